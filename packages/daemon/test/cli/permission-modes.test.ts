import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { PermissionExplanation, RunView } from "@kheish/contract";
import { expect, onTestFinished, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { makePlace } from "../../src/surface/cli/demo/workspace.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";

const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
const FILES = createRequire(import.meta.url).resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
const READ = "mcp__files__read_text_file";
const WRITE = "mcp__files__write_file";
const PAGE = "what the page says";
/** Of the machine's own network, and on nobody's list. */
const PRIVATE = "http://10.0.0.1/";
const NOT_PUBLIC = "10.0.0.1 is not a public host; an operator can allow it with --network-allow";

/** A page on this machine, where agents may go only because the operator says so. */
async function openPage() {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(String(request.url));
    response.setHeader("content-type", "text/plain").end(PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/page`, seen };
}

/** A new user's machine: a daemon, an agent with a filesystem server and the web, and nothing but the command line. */
async function newUser() {
  const place = await makePlace();
  const page = await openPage();
  const flags = ["--network-allow", "127.0.0.1"];
  const daemon = await DaemonProcess.start(place, processContext().clock, flags);
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
    call("web_fetch", { url: page.url }),
    call("web_fetch", { url: PRIVATE }),
    { text: [0, 1, 2, 3, 4].map((turn) => `{{tool_output:sim-${turn}-0}}`).join("") },
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
    page,
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

/** The web is read without asking in every mode, and no mode leads where the operator does not let agents go. */
function expectTheWebRead(out: string, page: { seen: string[] }) {
  expect(answered(out)).toContain(PAGE);
  expect(page.seen).toEqual(["/page"]);
  expect(answered(out)).toContain(NOT_PUBLIC);
}

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
  expectTheWebRead(last.out, user.page);

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
  expectTheWebRead(last.out, user.page);
});

test.each([
  ["plan", "plan mode allows only tools that read or coordinate"],
  ["dont-ask", "the permission mode dontAsk denies what would have to be asked"],
])(
  "03-R22 %s: nobody is asked, nothing is changed, and both agent and person read why",
  async (mode, why) => {
    const user = await newUser();
    const done = await user.work(mode);
    expect(done).toMatchObject({ code: 0 });
    expect(answered(done.out)).toContain(why);
    expect(answered(done.out)).not.toContain("call Ada");
    expect(await user.written()).toEqual(["notes.txt"]);
    expectTheWebRead(done.out, user.page);
    const events = await user.shown("sessions", "events", "s");
    for (const tool of [READ, WRITE, "write_file"])
      expect(events).toMatch(new RegExp(`tool_call_finished +${tool}: .*${why.slice(0, 24)}`));
  },
);

test("03-R22 bypassPermissions: all of it is done, and the audit says by which mode", async () => {
  const user = await newUser();
  const done = await user.work("bypass-permissions");
  expect(done).toMatchObject({ code: 0 });
  expect(answered(done.out)).toContain("call Ada");
  expect(await user.written()).toEqual(["notes.txt", "ours.txt", "theirs.txt"]);
  expectTheWebRead(done.out, user.page);
  const checked = await user.run("runtime", "permissions", "check", WRITE, "--session-id", "s");
  expect(JSON.parse(checked.out)).toMatchObject({
    decision: "allow",
    base_decision: "ask",
    mode_effect: "bypass_permissions_auto_allowed_approval",
  });
});

test("03-R22 a host that an operator wants to be asked about is asked about, denied or allowed as the mode says", async () => {
  const user = await newUser();
  const rule = [
    "--tool",
    "web_fetch",
    "--host",
    "127.0.0.1",
    "--behavior",
    "ask",
    "--reason",
    "our own host",
  ];
  const added = await user.run("runtime", "permissions", "rules", "add", ...rule);
  expect(added, added.err).toMatchObject({ code: 0 });

  const done = await user.work("dont-ask");
  expect(done.code).toBe(0);
  expect(user.page.seen).toEqual([]);
  expect(answered(done.out)).not.toContain(PAGE);
  const input = ["--session-id", "s", "--input-json", JSON.stringify({ url: user.page.url })];
  const decided: Record<string, string> = {};
  for (const mode of ["default", "accept-edits", "plan", "dont-ask", "bypass-permissions"]) {
    const { out } = await user.run("runtime", "permissions", "check", "web_fetch", "--mode", mode, ...input);
    decided[mode] = (JSON.parse(out) as PermissionExplanation).decision;
  }
  expect(decided).toEqual({
    default: "ask",
    "accept-edits": "ask",
    plan: "ask",
    "dont-ask": "deny",
    "bypass-permissions": "allow",
  });

  expect(await user.run("runtime", "set-permission-mode", "accept-edits")).toMatchObject({ code: 0 });
  const fetch = [{ tool_calls: [{ name: "web_fetch", input: { url: user.page.url } }] }];
  const content = JSON.stringify({ simulate: [...fetch, { text: "{{last_tool_output}}" }] });
  const asked = await user.run("sessions", "input", "s", content, "--wait");
  expect(asked).toMatchObject({ code: 9 });
  expect(await user.shown("runs", "get", "run-2")).toMatch(
    /web_fetch would run with\n\{\n {2}"url": ".*\/page"\n\}/,
  );
  const [{ id } = { id: "" }] = (JSON.parse(asked.out) as RunView).pending_approvals ?? [];
  expect(await user.shown("approvals", "show", id)).toContain("our own host");
  expect(user.page.seen).toEqual([]);
  const allowed = await user.decide(asked.out, "allow");
  expect(answered(allowed.out)).toContain(PAGE);
  expect(user.page.seen).toEqual(["/page"]);
});
