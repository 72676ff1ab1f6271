import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { RunView } from "@kheish/contract";
import { expect, onTestFinished, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { makePlace } from "../../src/surface/cli/demo/workspace.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";

const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
const FILES = createRequire(import.meta.url).resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
const READ = "mcp__files__read_text_file";
const WRITE = "mcp__files__write_file";

/** A new user's machine: a daemon, an agent with a filesystem server, and nothing but the command line. */
async function newUser() {
  const place = await makePlace();
  const daemon = await DaemonProcess.start(place, processContext().clock);
  onTestFinished(async () => {
    await daemon.stop();
    await rm(place.directory, { recursive: true, force: true });
  });
  const { workspace } = place;
  await writeFile(join(workspace, "notes.txt"), "call Ada");
  const script = join(place.directory, "script.json");
  const call = (name: string, input: object) => ({ tool_calls: [{ name, input }] });
  const simulate = [
    { text: "I read the notes.", ...call(READ, { path: join(workspace, "notes.txt") }) },
    call(WRITE, { path: join(workspace, "theirs.txt"), content: "by their tool" }),
    call("write_file", { path: "ours.txt", content: "by our own" }),
    { text: "{{tool_output:sim-0-0}}{{tool_output:sim-1-0}}{{tool_output:sim-2-0}}" },
  ];
  await writeFile(script, JSON.stringify({ simulate }));

  /** A process of its own: its exit code, and what it printed. */
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [BIN, "--base-url", daemon.baseUrl, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { code, out, err };
  };
  const added = await run("mcp", "servers", "add", "files", "--", process.execPath, FILES, workspace);
  expect(added, added.err).toMatchObject({ code: 0 });
  return {
    run,
    async work(mode: string) {
      expect(await run("runtime", "set-permission-mode", mode)).toMatchObject({ code: 0 });
      expect(await run("sessions", "create", "s")).toMatchObject({ code: 0 });
      return run("sessions", "input", "s", "--content-file", script, "--wait");
    },
    /** The next approval that the run waits for, decided; what came of it. */
    async decide(waiting: string, behavior: "allow" | "deny") {
      const [pending] = (JSON.parse(waiting) as RunView).pending_approvals ?? [];
      expect(pending, waiting).toBeDefined();
      return run("approvals", behavior, pending?.id ?? "", "--session-id", "s", "--wait");
    },
    /** The same on a terminal. */
    shown: async (...args: string[]) =>
      stripVTControlCharacters(
        (await kheish(["--base-url", daemon.baseUrl, ...args], { columns: 160 })).stdout,
      ),
    written: async () => (await readdir(workspace)).filter((name) => name.endsWith("s.txt")).sort(),
  };
}

const answered = (out: string) => (JSON.parse(out) as RunView).outputs?.[0]?.content ?? "";

test("03-R19 default: whatever reaches the server or writes is asked about, with what it would do", async () => {
  const user = await newUser();
  const first = await user.work("default");
  expect(first).toMatchObject({ code: 9, err: expect.stringContaining("kheish") });
  expect(first.err).toMatch(/approvals allow approval-mcp__files__read_text_file-\S+ --run-id run-1/);
  const screen = await user.shown("runs", "get", "run-1");
  expect(screen).toContain("waiting for approval");
  expect(screen).toMatch(/mcp__files__read_text_file would run with\n\{\n {2}"path": ".*notes\.txt"\n\}/);
  expect(await user.shown("approvals", "list")).toContain("notes.txt");

  const second = await user.decide(first.out, "allow");
  expect(second.code).toBe(9);
  expect(await user.written()).toEqual(["notes.txt"]);
  const third = await user.decide(second.out, "allow");
  expect(third.code).toBe(9);
  expect(await user.written()).toEqual(["notes.txt", "theirs.txt"]);
  const last = await user.decide(third.out, "deny");
  expect(last.code).toBe(0);
  expect(await user.written()).toEqual(["notes.txt", "theirs.txt"]);
  expect(answered(last.out)).toContain("call Ada");
  expect(answered(last.out)).toContain("approval denied");

  const events = await user.shown("sessions", "events", "s");
  expect(events).toMatch(/message_appended +I read the notes\. mcp__files__read_text_file \{"path":/);
  expect(events).toMatch(/tool_call_started +mcp__files__write_file\n/);
  expect(events).toMatch(/tool_call_finished +write_file: approval denied/);
});

test("03-R22 acceptEdits: the daemon's own edits need no yes, a server's tools do", async () => {
  const user = await newUser();
  const first = await user.work("accept-edits");
  expect(first.code).toBe(9);
  const second = await user.decide(first.out, "allow");
  expect(second.code).toBe(9);
  const last = await user.decide(second.out, "deny");
  expect(last.code).toBe(0);
  expect(await user.written()).toEqual(["notes.txt", "ours.txt"]);
});

test.each([
  ["plan", "plan mode allows only tools that read or coordinate"],
  ["dont-ask", "the permission mode dontAsk denies what would have to be asked"],
])("03-R22 %s: nobody is asked, nothing is done, and both agent and person read why", async (mode, why) => {
  const user = await newUser();
  const done = await user.work(mode);
  expect(done).toMatchObject({ code: 0 });
  expect(answered(done.out)).toContain(why);
  expect(answered(done.out)).not.toContain("call Ada");
  expect(await user.written()).toEqual(["notes.txt"]);
  const events = await user.shown("sessions", "events", "s");
  for (const tool of [READ, WRITE, "write_file"])
    expect(events).toMatch(new RegExp(`tool_call_finished +${tool}: .*${why.slice(0, 24)}`));
});

test("03-R22 bypassPermissions: all of it is done, and the audit says by which mode", async () => {
  const user = await newUser();
  const done = await user.work("bypass-permissions");
  expect(done).toMatchObject({ code: 0 });
  expect(answered(done.out)).toContain("call Ada");
  expect(await user.written()).toEqual(["notes.txt", "ours.txt", "theirs.txt"]);
  const checked = await user.run("runtime", "permissions", "check", WRITE, "--session-id", "s");
  expect(JSON.parse(checked.out)).toMatchObject({
    decision: "allow",
    base_decision: "ask",
    mode_effect: "bypass_permissions_auto_allowed_approval",
  });
});
