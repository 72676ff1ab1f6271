import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build as bundle } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LiveDaemon, liveDaemon, runNode } from "./support/daemon.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const TSC = join(root, "node_modules", "typescript", "bin", "tsc");
/** The oldest Node that the package promises to run on, where this machine has one. */
const OLD_NODE = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path));

const CONSUMER = `
import { Kheish, KheishProblem, Route, type RunView, type StreamFrame } from "@kheish/sdk";

export async function main(signal: AbortSignal): Promise<string> {
  const kheish = new Kheish({ baseUrl: "http://127.0.0.1:4000", token: async () => "t", fetch });
  const run = await kheish.responses.create({ session: "s", prompt: "p", route: Route.openai("m"), signal });
  const result = await run.wait({ raiseOnFailure: true, timeoutMs: 1_000, signal });
  const view: RunView = result.run;
  for await (const { id, data } of run.stream()) if (data.type === "run_updated") note(id, data.run.status);
  const frames: AsyncIterable<StreamFrame> = kheish.events.stream({ cursor: "start" });
  for await (const frame of frames) note(frame.id, frame.data.type);
  const list = await kheish.api.listRuns({ query: { page: true, limit: 5 } });
  const error: unknown = undefined;
  if (error instanceof KheishProblem && error.is("runs", "run_not_found")) note(error.code, "completed");
  // @ts-expect-error an endpoint's parameters are not forgotten
  await kheish.api.getRun({});
  // @ts-expect-error nor is a body given that it does not take
  await kheish.api.submitRun({ params: { session_id: "s" }, body: { contents: "typo" } });
  // @ts-expect-error a problem is one of the registry's
  if (error instanceof KheishProblem) error.is("runs", "run_not_fond");
  return result.output_text + view.run_id + (Array.isArray(list) ? list.length : list.pagination.limit);
}

function note(_id: string | undefined, _what: string): void {}
`;

describe("the package", () => {
  let out: string;
  let live: LiveDaemon;
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), "kheish-sdk-package-"));
    live = await liveDaemon();
    // As npm lays it out: the packages beside each other, and what they need.
    await mkdir(join(out, "node_modules", "@kheish"), { recursive: true });
    await mkdir(join(out, "consumer"));
    await symlink(join(root, "node_modules", "zod"), join(out, "node_modules", "zod"));
    const build = join(root, "scripts", "build.ts");
    const built = await runNode([build, "--out", join(out, "built"), "contract", "sdk"]);
    expect(built, built.stdout).toMatchObject({ stderr: "", exitCode: 0 });
    for (const name of ["contract", "sdk"])
      await symlink(join(out, "built", name), join(out, "node_modules", "@kheish", name));
    await writeFile(join(out, "consumer", "package.json"), '{"type":"module"}');
  });
  afterAll(async () => {
    await live.stop();
    await rm(out, { recursive: true, force: true });
  });

  test("holds what is needed to run, and no more", async () => {
    const manifest = JSON.parse(await readFile(join(out, "built", "sdk", "package.json"), "utf8"));
    expect(manifest).toMatchObject({
      name: "@kheish/sdk",
      type: "module",
      exports: { ".": "./dist/index.js" },
      dependencies: { "@kheish/contract": "0.1.0" },
    });
    const entry = await readFile(join(out, "built", "sdk", "dist", "index.js"), "utf8");
    expect(entry).not.toContain("contract");
    expect(existsSync(join(out, "built", "sdk", "dist", "index.d.ts"))).toBe(true);
    expect(await readFile(join(out, "built", "sdk", "README.md"), "utf8")).toContain("# @kheish/sdk");
  });

  test.each([
    ["a browser's", ["--lib", "es2022,dom,dom.iterable"]],
    ["Node's", ["--lib", "esnext", "--types", "node", "--typeRoots", join(root, "node_modules", "@types")]],
  ])("has types for a strict consumer under %s libraries", async (name, flags) => {
    const file = join(out, "consumer", `${name.startsWith("a") ? "browser" : "node"}.ts`);
    await writeFile(file, CONSUMER);
    const strict = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noUncheckedIndexedAccess",
    ];
    const ran = await runNode(
      [TSC, ...strict, "--module", "nodenext", "--target", "es2022", ...flags, file],
      {
        cwd: join(out, "consumer"),
      },
    );
    expect(ran.stdout).toBe("");
    expect(ran.exitCode).toBe(0);
  });

  test.skipIf(OLD_NODE === undefined)("runs as built on the machine's own Node (20 or newer)", async () => {
    const program = join(out, "consumer", "main.js");
    await writeFile(
      program,
      `import { Kheish } from "@kheish/sdk";
       const run = await Kheish.fromEnv().responses.create({ session: "old", prompt: "hello" });
       console.log((await run.wait()).output_text, run.status);`,
    );
    const env = { KHEISH_BASE_URL: live.daemon.baseUrl };
    const ran = await runNode([program], { env, node: OLD_NODE ?? "" });
    expect(ran).toEqual({ stdout: "hello completed\n", stderr: "", exitCode: 0 });
  });

  test("is small in a browser's bundle, and brings no schemas", async () => {
    const entry = join(out, "consumer", "page.js");
    await writeFile(
      entry,
      'import { Kheish } from "@kheish/sdk"; globalThis.kheish = new Kheish({ baseUrl: location.origin });',
    );
    await bundle({
      root: join(out, "consumer"),
      configFile: false,
      logLevel: "error",
      build: {
        lib: { entry, formats: ["es"], fileName: "bundle" },
        outDir: join(out, "bundle"),
        minify: true,
        rolldownOptions: { external: [] },
      },
    });
    const bundled = await readFile(join(out, "bundle", "bundle.js"));
    expect(bundled.toString()).not.toMatch(/zod|ZodType/i);
    expect(bundled.byteLength, `${bundled.byteLength} bytes`).toBeLessThan(48_000);
    const compressed = gzipSync(bundled).byteLength;
    expect(compressed, `${compressed} bytes compressed`).toBeLessThan(14_000);
  });
});
