import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LiveDaemon, liveDaemon, runNode } from "./support/daemon.ts";

const PAGE = fileURLToPath(new URL("../../../docs/sdk.md", import.meta.url));
const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));

/** The programs of the page; `// => ` says what they print, in order. */
async function programs(): Promise<{ code: string; prints: string }[]> {
  const blocks = (await readFile(PAGE, "utf8")).matchAll(/^```ts\n(.*?)^```$/gms);
  return [...blocks].map(([, code = ""]) => {
    const lines = [...code.matchAll(/^\/\/ => (.*)$/gm)].map(([, line]) => `${line}\n`);
    return { code, prints: lines.join("") };
  });
}

describe("docs/sdk.md", async () => {
  const all = await programs();
  let live: LiveDaemon;
  let project: string;
  beforeAll(async () => {
    live = await liveDaemon();
    project = await mkdtemp(join(tmpdir(), "kheish-sdk-docs-"));
    await mkdir(join(project, "node_modules", "@kheish"), { recursive: true });
    const sdk = fileURLToPath(new URL("..", import.meta.url));
    await symlink(sdk, join(project, "node_modules", "@kheish", "sdk"));
    await writeFile(join(project, "package.json"), '{"type":"module"}');
    for (const [index, { code }] of all.entries())
      await writeFile(join(project, `program-${index}.ts`), code);
  });
  afterAll(async () => {
    await live.stop();
    await rm(project, { recursive: true, force: true });
  });

  test.each(all.entries().toArray())("program %i prints what the page says", async (index, { prints }) => {
    const env = { KHEISH_BASE_URL: live.daemon.baseUrl };
    expect(prints).not.toBe("");
    const ran = await runNode([join(project, `program-${index}.ts`)], { env });
    expect(ran).toEqual({ stdout: prints, stderr: "", exitCode: 0 });
  });

  test("its programs have the types that they use", async () => {
    const flags = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--module",
      "nodenext",
      "--target",
      "esnext",
      "--skipLibCheck",
    ];
    const lax = ["--allowImportingTsExtensions", "--lib", "esnext,dom"];
    const files = all.map((_, index) => join(project, `program-${index}.ts`));
    const ran = await runNode([TSC, ...flags, ...lax, ...files]);
    expect(ran.stdout).toBe("");
    expect(ran.exitCode).toBe(0);
  });
});
