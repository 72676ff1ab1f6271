import { expect, it } from "vitest";
import { browserCommand } from "./process-context.ts";
import { fakeDaemon, json, plain, problem } from "./testing/fake-daemon.ts";
import { kheish } from "./testing/run-cli.ts";
import { runView } from "./testing/samples.ts";

/** Clears the screen, sets the title, fills the clipboard, hides what follows, writes from right to left. */
const HOSTILE = "a\x1b[2J\x1b]0;b\x07\x1b]52;c;ZXZpbA==\x07\x1b[8mc\x9b2Kd\u202ee\x7ff\rg";
/** Our own colours, line ends and tabs are left out of what is looked for. */
const OURS = "\\x1b\\[(?:[0-4]|2[2-4]|3[0-79]|49|9[0-7])m|[\\n\\t]";
const steersIn = (text: string) =>
  text.replaceAll(new RegExp(OURS, "g"), "").match(/[\p{Cc}\p{Bidi_Control}]/gu);

const skill = {
  ...{
    name: "s",
    description: HOSTILE,
    scope: "workspace",
    skill_path: HOSTILE,
    skill_root: "/",
    digest: "d".repeat(64),
  },
  ...{ instructions: HOSTILE, files: [], license: HOSTILE },
  runtime: { context: "inline", allowed_tools: [HOSTILE], blocked_tools: [] },
};
const called = { tool_name: "mcp__s__t", output: { content: [{ type: "text", text: HOSTILE }] } };
const logged = [
  { timestamp_ms: 1, level: "info", target: HOSTILE, message: HOSTILE, fields: { [HOSTILE]: HOSTILE } },
];

it.each([
  [["runs", "get", "run-1"], "GET /v1/runs/run-1", json(runView({ status: "failed", error: HOSTILE }))],
  [["runs", "get", "run-1", "--output", "json"], "GET /v1/runs/run-1", json(runView({ error: HOSTILE }))],
  [["skills", "get", "s"], "GET /v1/skills/s", json(skill)],
  [["mcp", "tools", "call", "mcp__s__t"], "POST /v1/runtime/mcp/tools/mcp__s__t/call", json(called)],
  [["logs"], "GET /v1/logs", json(logged)],
  [["runs", "debug-artifact", "run-1", "x"], "GET /v1/runs/run-1/debug/artifacts/x", plain(HOSTILE)],
  [["runs", "get", "run-1"], "GET /v1/runs/run-1", problem(404, "run_not_found", HOSTILE)],
])("%j shows what others wrote, and nothing of it steers the terminal", async (argv, route, answer) => {
  const daemon = await fakeDaemon({ [route]: answer });
  const shown = await kheish([...argv, "--base-url", daemon.baseUrl], { columns: 100 });
  expect(daemon.requests.map(({ url }) => url.split("?")[0])).toContain(route.split(" ")[1]);
  const text = shown.stdout + shown.stderr;
  expect(shown.code, text).not.toBe(8);
  expect(steersIn(text)).toBeNull();
});

it("what goes into a file or a pipe is what was said, byte for byte", async () => {
  const daemon = await fakeDaemon({ "GET /v1/runs/run-1/debug/artifacts/x": plain(HOSTILE) });
  const argv = ["runs", "debug-artifact", "run-1", "x", "--base-url", daemon.baseUrl];
  expect((await kheish(argv)).stdout).toBe(HOSTILE);
});

it("no shell reads the address that a browser is sent to", () => {
  const url = "https://login.example/?a=1&calc.exe";
  for (const platform of ["linux", "darwin", "win32"] as const) {
    const [program, ...args] = browserCommand(platform, url);
    expect(program).not.toMatch(/cmd|sh$/);
    expect(args.at(-1)).toBe(url);
  }
});
