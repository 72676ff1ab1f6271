import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { SessionEventLog } from "@kheish/contract";
import { expect, test } from "vitest";
import { steadyPort } from "../../src/surface/cli/demo/steady-port.ts";
import { BIN, later, place, scratch } from "../support/operator.ts";

const DESCRIPTORS = 64;

/** A daemon that may have so many files open, and a caller who is connected before they are used up. */
async function tightDaemon() {
  const { stateRoot, workspace } = await place(await scratch());
  const port = await steadyPort();
  const places = ["--bind", `127.0.0.1:${port}`, "--state-root", stateRoot, "--workspace-root", workspace];
  const argv = [process.execPath, BIN, "serve", ...places, "--permission-mode", "bypass-permissions"];
  const child = spawn("/bin/sh", ["-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  later(async () => child.kill("SIGKILL"));
  const ready = Promise.withResolvers<void>();
  child.stderr.on("data", (chunk) => String(chunk).includes("kheish is ready") && ready.resolve());
  await ready.promise;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  later(async () => agent.destroy());
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { "content-type": "application/json" };
    const asking = request({ agent, port, host: "127.0.0.1", method, path, headers });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = await once(asking, "response");
    return JSON.parse(await text(answer)) as T;
  };
  return { child, port, ask };
}

/** Connects until the daemon turns one away; whoever is let in is answered. */
async function useUp(port: number): Promise<Socket[]> {
  const open: Socket[] = [];
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const isLetIn = await new Promise<boolean>((resolve) => {
      socket.on("error", () => resolve(false)).on("close", () => resolve(false));
      socket.on("data", () => resolve(true));
      socket.on("connect", () => socket.write("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"));
    });
    if (!isLetIn) return open;
    open.push(socket);
  }
}

test("a daemon whose descriptors are used up lives, a command that cannot start says why, and all goes on when there are some again", async () => {
  const { child, port, ask } = await tightDaemon();
  const run = async (session: string) => {
    await ask("POST", "/v1/sessions", { session_id: session });
    const simulate = [{ tool_calls: [{ name: "bash", input: { command: "echo it works" } }] }, {}];
    const content = JSON.stringify({ simulate });
    const { run_id: id } = await ask<{ run_id: string }>("POST", `/v1/sessions/${session}/runs`, { content });
    await expect.poll(() => ask("GET", `/v1/runs/${id}`)).toMatchObject({ status: "completed" });
    return JSON.stringify(await ask<SessionEventLog>("GET", `/v1/sessions/${session}/events`));
  };
  expect(await run("before")).toContain('stdout":"it works');
  const open = await useUp(port);
  expect(await run("meanwhile")).toMatch(/could not be started: too many open files/);
  for (const socket of open) socket.destroy();
  await expect.poll(() => run(`after-${performance.now()}`)).toContain('stdout":"it works');
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
