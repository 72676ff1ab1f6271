import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { Skill } from "../../../../tools/skills/index.ts";
import type { CliContext } from "../../context.ts";
import { UsageError } from "../../errors.ts";
import { cannotRead } from "../../file-failure.ts";

/** A skill is read with the schemas of the contract, which most commands do without. */
export const skillTools = () => import("../../../../tools/skills/index.ts");

/** The skills of folders, as a daemon would use them. What cannot be used is a word on standard error. */
export async function skillsInFolders(paths: readonly string[], context: CliContext): Promise<Skill[]> {
  const { SkillLibrary, skillsIn } = await skillTools();
  const warn = (message: string) => context.terminal.err(`kheish: ${message}\n`);
  const found: Skill[] = [];
  for (const path of paths) {
    const real = await realpath(resolve(context.workingDirectory, path)).catch((error: unknown) => {
      throw new UsageError(cannotRead(path, error));
    });
    found.push(...(await skillsIn({ path: real, scope: "explicit" }, warn)));
  }
  const library = new SkillLibrary();
  library.load(found);
  for (const message of library.warnings) warn(message);
  return library.all();
}
