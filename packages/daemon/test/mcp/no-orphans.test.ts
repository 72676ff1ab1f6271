import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, type McpControl, useMcp } from "./support.ts";

const serve = useMcp();
const KEY = {
  slot_id: "mcp.s.KEY",
  provider: "generic",
  mode: "opaque_secret",
  state: { value: "the-first-key-of-all" },
};

/** A server that says nothing: connecting to it is under way until it is given up. Its processes write their ids down. */
async function silentServer(control: McpControl) {
  const file = join(control.daemon.directory, "pids");
  expect(await control.call("POST", "/v1/runtime/secrets", KEY)).toMatchObject({ status: 200 });
  const script = `echo $$ >> ${file}; sleep 600 & wait`;
  const adding = control.add("s", {
    command: "/bin/sh",
    args: ["-c", script],
    env_secret_refs: { KEY: KEY.slot_id },
  });
  const pids = async (count: number) =>
    eventually(async () => {
      const lines = (await readFile(file, "utf8").catch(() => "")).split("\n").filter(Boolean).map(Number);
      return lines.length >= count ? lines : undefined;
    });
  return { adding, pids };
}

/** Nothing of the process group is left. */
const groupGone = (pid: number) =>
  eventually(async () => {
    try {
      process.kill(-pid, 0);
      return undefined;
    } catch {
      return true;
    }
  });

test("03-R61 what was started with the former secret ends with its attempt, and all it started", async () => {
  const control = await serve();
  const { adding, pids } = await silentServer(control);
  const [first = 0] = await pids(1);
  await control.call("POST", "/v1/runtime/secrets", { ...KEY, state: { value: "the-second-key-of-all" } });
  expect(await adding).toMatchObject({ status: 400, body: { code: "mcp_server_unreachable" } });
  await groupGone(first);
  expect((await control.mcp()).servers).toEqual([]);
  for (const pid of (await pids(1)).slice(1)) await groupGone(pid);
});

test("03, MCP client: a server that is being started when the daemon stops does not outlive it", async () => {
  const control = await serve();
  const { adding, pids } = await silentServer(control);
  adding.catch(() => undefined);
  const [first = 0] = await pids(1);
  await control.daemon.stop();
  await groupGone(first);
});
