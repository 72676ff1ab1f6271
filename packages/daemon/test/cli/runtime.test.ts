import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliSetup, kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { ServedDaemon } from "../support/served.ts";

const ROUTES = `
default_route = "simulator"
[routes.simulator]
driver = "simulator"
[routes.second]
driver = "simulator"
`;

let daemon: ServedDaemon;
let files: string;

beforeAll(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite", routes: ROUTES });
  files = await mkdtemp(join(tmpdir(), "kheish-cli-runtime-"));
});
afterAll(async () => {
  await daemon.remove();
  await rm(files, { recursive: true, force: true });
});

/** A command line against the daemon, as a script would run it. */
function run(argv: readonly string[], setup: CliSetup = {}) {
  return kheish(["--base-url", daemon.baseUrl, ...argv], { workingDirectory: files, ...setup });
}

/** What it printed, when it worked. */
async function printed(argv: readonly string[], setup: CliSetup = {}) {
  const { code, stdout, stderr } = await run(argv, setup);
  expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** The same as a person at a terminal sees it. */
async function shown(...argv: string[]) {
  const { code, stdout } = await run(argv, { columns: 120, env: { NO_COLOR: "1" } });
  expect({ argv, code }).toEqual({ argv, code: 0 });
  return stdout;
}

describe("02 CLI runtime", () => {
  test.each([
    [["set-model", "second/echo"], { route_id: "second", model: "echo" }],
    [["set-permission-mode", "accept-edits"], { permission_mode: "acceptEdits" }],
    [["set-debug-level", "redacted"], { debug_level: "redacted" }],
    [["set-permission-mode", "default"], { permission_mode: "default" }],
    [["set-model", "simulator/script"], { route_id: "simulator", model: "script" }],
  ])("runtime %j changes the settings and prints them", async (argv, expected) => {
    const before = await printed(["runtime", "get"]);
    const { revision } = before.config;
    const flags = ["--expected-revision", String(revision), "--reason", "as asked"];
    const view = await printed(["runtime", ...argv, ...flags]);
    expect(view).toMatchObject({ ...expected, config: { revision: revision + 1 } });
    const { revisions } = await printed(["runtime", "revisions"]);
    expect(revisions[0]).toMatchObject({ revision: revision + 1, reason: "as asked" });
  });

  test.each([
    [["set-model", "second/echo"]],
    [["set-permission-mode", "plan"]],
    [["set-debug-level", "full"]],
    [["set-system-prompt", "x"]],
    [["hooks", "set", "--reset"]],
    [["learning-policy", "set", "--reset"]],
    [["run-memory-policy", "set", "--reset"]],
    [["tool-limits", "set", "--reset"]],
    [["rollback"]],
  ])("02-R3 runtime %j from another revision ends with 6", async (argv) => {
    const before = await printed(["runtime", "get"]);
    const { code, stderr } = await run(["runtime", ...argv, "--expected-revision", "0"]);
    expect(code).toBe(6);
    expect(stderr).toContain("runtime_revision_conflict");
    expect(await printed(["runtime", "get"])).toEqual(before);
  });

  describe("set-system-prompt", () => {
    const set = async (...argv: string[]) =>
      (await printed(["runtime", "set-system-prompt", ...argv])).system_prompt;

    test("sets one part and leaves the others", async () => {
      expect(await set("You bake.")).toEqual({ custom_prompt: "You bake." });
      expect(await set("Be brief.", "--mode", "append", "--language", "French")).toEqual({
        custom_prompt: "You bake.",
        append_prompt: "Be brief.",
        language: "French",
      });
      expect(await set("Only this.", "--mode", "override")).toMatchObject({
        override_prompt: "Only this.",
        custom_prompt: "You bake.",
      });
      expect(await set("You cook.", "--mode", "custom")).not.toHaveProperty("override_prompt");
      expect(await set("--clear-language", "--output-style", "terse")).toEqual({
        custom_prompt: "You cook.",
        append_prompt: "Be brief.",
        output_style: "terse",
      });
      expect(await set("--mode", "default")).toEqual({ output_style: "terse" });
      expect(await set("--reset")).toEqual({});
    });

    test("takes the text from a file or from standard input", async () => {
      await writeFile(join(files, "prompt.md"), "From a file.\n");
      expect(await set("--content-file", "prompt.md")).toEqual({ custom_prompt: "From a file." });
      const argv = ["runtime", "set-system-prompt", "--stdin", "--mode", "append"];
      const { system_prompt } = await printed(argv, { stdin: "From a pipe.\n" });
      expect(system_prompt).toEqual({ custom_prompt: "From a file.", append_prompt: "From a pipe." });
      expect(await set("--clear-text")).toEqual({});
    });

    test.each([
      [[]],
      [["x", "--stdin"]],
      [["x", "--mode", "default"]],
      [["--mode", "append"]],
      [["--reset", "--language", "French"]],
      [["--language", "French", "--clear-language"]],
      [["x", "--clear-text"]],
      [["x", "--mode", "loud"]],
    ])("%j makes no sense and ends with 2", async (argv) => {
      const before = await printed(["runtime", "get"]);
      expect((await run(["runtime", "set-system-prompt", ...argv])).code).toBe(2);
      expect(await printed(["runtime", "get"])).toEqual(before);
    });
  });

  describe.each([
    ["tool-limits", "limits", "tool_runtime_limits", { max_parallel_tools: 3 }],
    ["run-memory-policy", "policy", "run_memory_policy", { max_prompt_entries: 1 }],
    ["learning-policy", "policy", "learning_policy", { mode: "enabled" }],
    [
      "hooks",
      "settings",
      "hooks",
      { hooks: { stop: [{ name: "x", executor: { type: "callback", name: "x" } }] } },
    ],
  ])("runtime %s", (name, wrapper, field, document) => {
    test("get prints what set takes, from a file or standard input, wrapped or not", async () => {
      const file = join(files, `${name}.json`);
      await writeFile(file, JSON.stringify(document));
      expect((await printed(["runtime", name, "set", "--file", file]))[field]).toMatchObject(document);
      expect(await printed(["runtime", name, "get"])).toMatchObject(document);
      const reset = await printed(["runtime", name, "set", "--reset"]);
      expect(reset[field]).not.toMatchObject(document);
      const stdin = JSON.stringify({ [wrapper]: document });
      const view = await printed(["runtime", name, "set", "--stdin"], { stdin });
      expect(view[field]).toMatchObject(document);
      expect(await shown("runtime", name, "get")).not.toBe("");
    });

    test.each([
      [["set"], ""],
      [["set", "--stdin", "--reset"], "{}"],
      [["set", "--stdin"], "not json"],
      [["set", "--stdin"], "[]"],
      [["set", "--stdin"], '{"no_such_field": 1}'],
      [["set", "--file", "missing.json"], ""],
    ])("%j with %j on standard input ends with 2 and changes nothing", async (argv, stdin) => {
      const before = await printed(["runtime", "get"]);
      expect((await run(["runtime", name, ...argv], { stdin })).code).toBe(2);
      expect(await printed(["runtime", "get"])).toEqual(before);
    });
  });

  test("02-R7 02-A9 rollback takes back the last change, or one setting; diff and revisions show it", async () => {
    await printed(["runtime", "set-permission-mode", "plan"]);
    await printed(["runtime", "set-debug-level", "on"]);
    const one = await printed(["runtime", "rollback", "--setting", "permission_mode", "--reason", "oops"]);
    expect(one).toMatchObject({ permission_mode: "default", debug_level: "on" });
    const { revision } = one.config;
    expect(await printed(["runtime", "diff", String(revision)])).toEqual({
      revision,
      against: revision - 1,
      changes: [{ setting: "permission_mode", path: "", before: "plan", after: "default" }],
    });
    const target = ["--target-revision", String(revision - 2)];
    const all = await printed(["runtime", "rollback", ...target, "--skip-hooks"]);
    expect(all).toMatchObject({ permission_mode: "plan" });
    expect(await shown("runtime", "revisions")).toMatch(/permission_mode back to \d+ .*oops/);
    expect(await shown("runtime", "diff", String(revision))).toMatch(/permission_mode +"plan" +"default"/);
    expect(await shown("runtime", "diff", String(revision), "--against", String(revision))).toContain(
      "no difference",
    );
    const missing = await run(["runtime", "rollback", "--target-revision", "99999"]);
    expect(missing.code).toBe(5);
    expect((await run(["runtime", "diff", "99999"])).code).toBe(5);
    await printed(["runtime", "set-permission-mode", "default"]);
  });

  test("03 CLI permissions check and matrix", async () => {
    const asked = await printed([
      "runtime",
      "permissions",
      "check",
      "bash",
      "--input-json",
      '{"command":"ls"}',
    ]);
    expect(asked).toMatchObject({ decision: "ask", matched_rule: "bash" });
    const flags = ["--mode", "dont-ask", "--tool-call-id", "c1"];
    expect(await printed(["runtime", "permissions", "check", "bash", ...flags])).toMatchObject({
      decision: "deny",
      tool_call_id: "c1",
    });
    expect((await run(["runtime", "permissions", "check", "bash", "--session-id", "nobody"])).code).toBe(5);
    expect((await run(["runtime", "permissions", "check", "bash", "--input-json", "{"])).code).toBe(2);
    expect(await shown("runtime", "permissions", "check", "bash")).toMatch(/decision +ask/);
    expect(await shown("runtime", "permissions", "matrix")).toMatch(/^bash +ask +ask +allow +deny +deny$/m);
  });

  test("runtime get shows a person what was changed", async () => {
    await printed(["runtime", "set-system-prompt", "x", "--language", "French"]);
    expect(await shown("runtime", "get")).toMatch(/system prompt +custom prompt, language/);
    await printed(["runtime", "set-system-prompt", "--reset"]);
    expect(await shown("runtime", "get")).toMatch(/system prompt +built in/);
  });
});

describe("02 CLI doctor", () => {
  test("finds nothing wrong with a daemon that works, and says what it looked at", async () => {
    const report = await printed(["doctor", "--cors-origin", "http://localhost:3000"]);
    expect(report).toMatchObject({
      ok: true,
      status: { ready: true },
      readyz_reachable: true,
      events_stream_reachable: true,
      warnings: [],
      errors: [],
    });
    const codes = report.checks.map(({ code }: { code: string }) => code);
    expect(codes).toEqual(
      expect.arrayContaining([
        "status_reachable",
        "storage_writable",
        "readyz_reachable",
        "events_reachable",
        "control_plane_cors",
      ]),
    );
    expect(report.checks.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  });

  test("ends with 1 for an origin that browsers may not call from", async () => {
    const { code, stdout } = await run(["doctor", "--cors-origin", "https://elsewhere.example"]);
    expect(code).toBe(1);
    const failed = JSON.parse(stdout).checks.filter(({ ok }: { ok: boolean }) => !ok);
    expect(failed).toMatchObject([{ code: "control_plane_cors", severity: "error" }]);
  });

  test("ends with 1 when nobody answers", async () => {
    const { code, stdout } = await kheish(["--base-url", "http://127.0.0.1:1", "doctor"]);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: false, readyz_reachable: false, events_stream_reachable: false });
    const codes = report.checks.map(({ code: each }: { code: string }) => each);
    expect(codes).toEqual(["status_unreachable", "readyz_unreachable", "events_unreachable"]);
  });
});
