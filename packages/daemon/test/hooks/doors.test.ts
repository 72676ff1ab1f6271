import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliSetup, kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { ServedDaemon } from "../support/served.ts";

/** Through the doors: the command line, and an HTTP hook on the operator's own machine. */
let daemon: ServedDaemon;
let server: Server;
const requests: { key: string | undefined; body: string }[] = [];
let answers: { status: number; text: string }[] = [];

beforeAll(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite" });
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      requests.push({ key: request.headers["idempotency-key"] as string | undefined, body });
      const { status, text } = answers.shift() ?? { status: 200, text: "" };
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
});
afterAll(async () => {
  server.close();
  await daemon.remove();
});

function run(argv: readonly string[], setup: CliSetup = {}) {
  return kheish(["--base-url", daemon.baseUrl, ...argv], { workingDirectory: daemon.directory, ...setup });
}

async function printed(argv: readonly string[], setup: CliSetup = {}) {
  const { code, stdout, stderr } = await run(argv, setup);
  expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const set = (settings: object, ...flags: string[]) =>
  run(["runtime", "hooks", "set", "--stdin", ...flags], { stdin: JSON.stringify(settings) });

async function play(session: string, turns: readonly object[]) {
  const content = JSON.stringify({ simulate: turns });
  return printed(["sessions", "input", session, content, "--wait"]);
}

const guard = (more: object) => ({
  hooks: {
    pre_tool_use: [
      {
        name: "remote",
        failure_policy: { max_retries: 2 },
        executor: { type: "http", url: `http://localhost:${(server.address() as AddressInfo).port}/s3cret` },
        ...more,
      },
    ],
  },
});
const turn = { tool_calls: [{ name: "get_goal", input: {} }] };

test("03-R50 an HTTP hook is tried again under one key, and its answer is carried out", async () => {
  await printed(["sessions", "create", "s"]);
  expect((await set(guard({}))).code).toBe(0);
  answers = [
    { status: 503, text: "" },
    { status: 200, text: '{"decision":"block","stop_reason":"said the server"}' },
  ];
  const { run_id } = await play("s", [turn, { text: "{{last_tool_output}}" }]);
  const events = await printed(["sessions", "events", "s"]);
  expect(JSON.stringify(events)).toContain("said the server");
  expect(requests).toHaveLength(2);
  expect(requests[1]).toEqual(requests[0]);
  expect(requests[0]?.key).toMatch(/^hook-execution-[0-9a-f]{32}$/);
  expect(JSON.parse(requests[0]?.body ?? "")).toMatchObject({
    event: "pre_tool_use",
    session_id: "s",
    run_id,
  });
});

test("03 CLI runtime hooks shows, refuses and resolves; a person sees a table", async () => {
  answers = Array.from({ length: 3 }, () => ({ status: 500, text: "" }));
  await play("s", [turn, { text: "ok" }]);
  const [letter] = await printed(["runtime", "hooks", "dead-letter"]);
  expect(letter).toMatchObject({
    hook_name: "remote",
    attempt_count: 3,
    failure_mode: "closed",
    target: expect.stringMatching(/^http http:\/\/localhost:\d+$/),
    error: "status: it answered 500",
  });
  expect(JSON.stringify(letter)).not.toContain("s3cret");
  const person = { columns: 200, env: { NO_COLOR: "1" } };
  const table = await run(["runtime", "hooks", "dead-letter"], person);
  expect(table.stdout).toMatch(/ID +HOOK +EVENT +MODE +WHEN +RESOLVED +ERROR/);
  expect(table.stdout).toMatch(/remote +pre_tool_use get_goal +closed .* no +status: it answered 500/);
  const resolve = ["runtime", "hooks", "resolve-dead-letter"];
  const resolved = await run([...resolve, letter.id, "--reason", "the server was down"], person);
  expect(resolved.stdout).toMatch(/resolved +the server was down/);
  expect(await printed(["runtime", "hooks", "dead-letter"])).toMatchObject([
    { id: letter.id, resolved_at_ms: expect.any(Number), resolution_reason: "the server was down" },
  ]);
  expect((await run([...resolve, "hook-dlq-0", "--reason", "x"])).code).toBe(5);
  expect((await run([...resolve, letter.id])).code).not.toBe(0);
  expect((await set({ hooks: { someday: [] } })).code).toBe(2);
});

test("02-R8 CLI a blocked change is a conflict, and --skip-hooks the way out", async () => {
  const refusing = { name: "freeze", executor: { type: "command", command: "echo frozen >&2; exit 2" } };
  expect((await set({ hooks: { config_change: [refusing] } })).code).toBe(0);
  const refused = await set({ hooks: {} });
  expect(refused.code).toBe(6);
  expect(refused.stderr).toContain("runtime_change_blocked");
  expect(refused.stderr).toContain("frozen");
  expect((await set({ hooks: {} }, "--skip-hooks")).code).toBe(0);
  expect(await printed(["runtime", "hooks", "get"])).toEqual({ hooks: {} });
});
