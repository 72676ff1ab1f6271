import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { SkillFileInput } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { readNamedFile } from "../../flags/named-file.ts";
import { plainFields } from "../../output/fields.ts";
import { present } from "../../present.ts";
import { skillDetail, skillReloadText } from "../../views/skill.ts";
import { skillsInFolders } from "./found.ts";

interface AddFlags {
  name?: string;
  replace?: boolean;
  reason?: string;
}

const SKILL_FILE = "SKILL.md";
/** A large repository takes a while to look through. */
const RELOAD_TIMEOUT_MS = 120_000;

/** What changes the daemon's skills. */
export function defineChanges(skills: Command, cli: Cli): void {
  skills
    .command("add <path>")
    .description("Give the daemon the skill in a folder, or a single SKILL.md; it stands in its store then")
    .option("--name <name>", "in the place of the name that it has")
    .option("--replace", "also when one of that name was added already")
    .option("--reason <text>", "why, for the audit")
    .action(async (path: string, { name: wanted, replace, reason }: AddFlags) => {
      const { name, files } = await readSkill(path, cli);
      const client = await cli.client();
      const body = { files, ...present({ reason }) };
      const skill_name = wanted ?? name;
      const skill =
        replace === true
          ? await client.call("setSkill", { params: { skill_name }, body })
          : await client.call("addSkill", { body: { ...body, name: skill_name } });
      cli.output.print(skill, skillDetail);
    });
  skills
    .command("remove <name>")
    .description("Take away a skill that was added; sessions keep it while it is active")
    .action(async (skill_name: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("removeSkill", { params: { skill_name } }), plainFields);
    });
  skills
    .command("reload")
    .description("Look through the folders of skills again")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("reloadSkills", { timeoutMs: RELOAD_TIMEOUT_MS }), skillReloadText);
    });
}

/** A skill with its files as they are sent. */
async function readSkill(path: string, cli: Cli): Promise<{ name: string; files: SkillFileInput[] }> {
  const { context } = cli;
  const place = await stat(resolve(context.workingDirectory, path)).catch(() => undefined);
  if (place?.isFile() === true) {
    if (basename(path) !== SKILL_FILE)
      throw new UsageError(`give a folder, or a file that is called ${SKILL_FILE}`);
    const folder = resolve(context.workingDirectory, path, "..");
    const { name } = await onlySkill(folder, cli);
    return { name, files: [fileOf(SKILL_FILE, await readNamedFile(path, context))] };
  }
  const skill = await onlySkill(path, cli);
  const files = await Promise.all(
    skill.files.map(async (file) => fileOf(file.path, await skill.read(file.path))),
  );
  return { name: skill.name, files };
}

async function onlySkill(path: string, { context }: Cli) {
  const [skill, ...others] = await skillsInFolders([path], context);
  if (skill === undefined) throw new UsageError(`there is no skill in '${path}'`);
  if (others.length === 0) return skill;
  const names = [skill, ...others].map((one) => one.skill_path);
  throw new UsageError(`'${path}' has several skills: name one of their folders`, names);
}

function fileOf(path: string, bytes: Buffer): SkillFileInput {
  return { path, content_base64: bytes.toString("base64") };
}
