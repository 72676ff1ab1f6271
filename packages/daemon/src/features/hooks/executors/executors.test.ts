import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HookInput } from "@kheish/contract";
import { afterEach, describe, expect, it } from "vitest";
import { pause, until } from "../../../../test/support/wait.ts";
import { SimulatedClock, systemClock } from "../../../kernel/clock.ts";
import { childEnvironment } from "../../../tools/bash/environment.ts";
import { startShell } from "../../../tools/bash/shell.ts";
import { commandCaller } from "./command.ts";
import { httpCaller } from "./http.ts";

const input: HookInput = {
  event: "pre_tool_use",
  subject: "bash",
  payload: { tool_name: "bash" },
  contract_version: 1,
  invocation_key: "hook-invocation-1",
};
/** What was ended and not reaped yet, since its parent is gone, is not alive. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) Z /.test(status);
}

const EXECUTION = "0123456789abcdef0123456789abcdef";

describe("a command hook", () => {
  const call = (command: string, signal = new AbortController().signal, more: { shell?: string } = {}) =>
    commandCaller({
      start: startShell,
      childEnv: childEnvironment({ PATH: process.env.PATH, HOME: tmpdir(), API_KEY: "s3cret", LANG: "C" }),
      cwd: tmpdir(),
      clock: systemClock,
    })({
      executor: { type: "command", command, ...more },
      input,
      executionKey: EXECUTION,
      attempt: 1,
      signal,
    });

  it("03-R48 reads the input as JSON and writes an outcome", async () => {
    const answer = await call("cat");
    expect(answer.kind === "text" && JSON.parse(answer.text)).toEqual(input);
    expect(await call("true")).toEqual({ kind: "text", text: "" });
    expect(await call("echo -n $0", undefined, { shell: "/bin/sh" })).toMatchObject({
      kind: "text",
      text: "/bin/sh",
    });
  });

  it("03-A2 has nothing of the daemon's environment but what is listed", async () => {
    const answer = await call("env");
    expect(answer.kind === "text" && answer.text).toContain("LANG=C");
    expect(JSON.stringify(answer)).not.toContain("s3cret");
  });

  it("03-R48 exit 2 without an output blocks with what it wrote to stderr; any other exit is a failure", async () => {
    expect(await call("echo no >&2; exit 2")).toEqual({
      kind: "value",
      value: { decision: "block", stop_reason: "no" },
    });
    expect(await call("exit 2")).toEqual({ kind: "value", value: { decision: "block" } });
    expect(await call("echo said; exit 2")).toMatchObject({ kind: "failed", class: "exit_status" });
    expect(await call("exit 7")).toMatchObject({
      class: "exit_status",
      error: "the command exited with 7",
      retryable: true,
    });
    expect(await call("kill -9 $$")).toMatchObject({
      class: "exit_status",
      error: "the command ended by SIGKILL",
    });
    expect(await call("true", undefined, { shell: "/no/such/shell" })).toMatchObject({
      kind: "failed",
      class: "internal",
    });
  });

  it.each(["stdout", "stderr"])(
    "03-R48 more than 128 KiB of %s is a failure, and the command is ended",
    async (stream) => {
      const to = stream === "stdout" ? "" : ">&2";
      expect(await call(`head -c 131072 /dev/zero ${to}; true`)).toMatchObject({ kind: "text" });
      expect(await call(`yes ${to}`)).toMatchObject({ class: "response_too_large" });
    },
  );

  it("03-R48 leaves nothing of its group behind when it is stopped", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kheish-hook-"));
    const file = join(directory, "pids");
    const stop = new AbortController();
    const answer = call(`trap '' TERM; sleep 600 & echo $$ $! > ${file}; wait`, stop.signal);
    const pids = async () => (await readFile(file, "utf8").catch(() => "")).trim();
    while ((await pids()) === "") await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await answer).toMatchObject({ class: "interrupted" });
    const begun = (await pids()).split(" ").map(Number);
    expect(begun).toHaveLength(2);
    for (const pid of begun) await until(`${pid} to be gone`, async () => !(await isAlive(pid)));
    await rm(directory, { recursive: true });
  });
});

describe("an HTTP hook", () => {
  const servers: { close: () => void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const resolve = async () => ["127.0.0.1"];

  async function served(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => answer(request, response, body));
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return (server.address() as AddressInfo).port;
  }
  const call = (url: string, resolveHost: (host: string) => Promise<readonly string[]> = resolve) =>
    httpCaller({ network: { resolve: resolveHost }, clock: systemClock })({
      executor: { type: "http", url },
      input,
      executionKey: EXECUTION,
      attempt: 1,
      signal: new AbortController().signal,
    });

  it("03-R50 POSTs the input with a key that names the invocation, to the checked address", async () => {
    let seen: object = {};
    const port = await served(({ method, headers }, response, body) => {
      seen = {
        method,
        key: headers["idempotency-key"],
        type: headers["content-type"],
        body: JSON.parse(body),
      };
      response.end('{"decision":"block"}');
    });
    expect(await call(`http://hooks.example:${port}/in?key=1`)).toEqual({
      kind: "text",
      text: '{"decision":"block"}',
    });
    expect(seen).toEqual({
      method: "POST",
      key: `hook-execution-${EXECUTION}`,
      type: "application/json",
      body: input,
    });
  });

  it.each([
    [408, true],
    [429, true],
    [500, true],
    [503, true],
    [302, false],
    [400, false],
    [404, false],
  ])("03-R50 %i can be tried again: %s", async (status, retryable) => {
    const port = await served((_request, response) => {
      response.writeHead(status, { location: "http://127.0.0.1/", "retry-after": "3" }).end("no");
    });
    expect(await call(`http://127.0.0.1:${port}/`)).toMatchObject({
      kind: "failed",
      class: "status",
      retryable,
      ...(retryable ? { retryAfterMs: 3_000 } : {}),
    });
  });

  it("03-R50 waits no more than half a minute, whatever it is asked", async () => {
    const port = await served((_request, response) =>
      response.writeHead(503, { "retry-after": "86400" }).end(),
    );
    expect(await call(`http://127.0.0.1:${port}/`)).toMatchObject({ retryAfterMs: 30_000 });
  });

  it("03-R50 more than 128 KiB is a failure; a broken connection can be tried again", async () => {
    const large = await served((_request, response) => response.end("x".repeat(131_073)));
    expect(await call(`http://127.0.0.1:${large}/`)).toMatchObject({
      class: "response_too_large",
      retryable: false,
    });
    const broken = await served((request) => request.socket.destroy());
    expect(await call(`http://127.0.0.1:${broken}/`)).toMatchObject({ class: "transport", retryable: true });
  });

  it.each([["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["100.64.0.1"], ["::ffff:8.8.8.8"]])(
    "03-R50 a name that leads to %s is not called",
    async (...addresses) => {
      const answer = await call("http://hooks.example:1/", async () => addresses);
      expect(answer).toMatchObject({ class: "blocked_private_network", retryable: false });
    },
  );

  it("03-R50 gives up on a connection after three seconds, the looking up of its name included", async () => {
    const clock = new SimulatedClock();
    const answer = httpCaller({ network: { resolve: () => new Promise(() => undefined) }, clock })({
      executor: { type: "http", url: "http://hooks.example/" },
      input,
      executionKey: EXECUTION,
      attempt: 1,
      signal: new AbortController().signal,
    });
    await clock.advance(2_999);
    expect(await Promise.race([answer, pause().then(() => "waits")])).toBe("waits");
    await clock.advance(1);
    expect(await answer).toMatchObject({
      class: "transport",
      error: "no connection within 3000 ms",
      retryable: true,
    });
  });

  it("03-R50 a stored URL that may not be called any more is not", async () => {
    expect(await call("http://169.254.169.254/")).toMatchObject({ class: "blocked_private_network" });
  });
});
