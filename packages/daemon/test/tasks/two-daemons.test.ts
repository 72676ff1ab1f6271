import type { JsonObject, TaskRecord } from "@kheish/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemTraces } from "../../src/tools/process/traces.ts";
import { Client } from "../http/support/client.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { ServedDaemon } from "../support/served.ts";

let server: PostgresServer | undefined;
const daemons: ServedDaemon[] = [];
const clients = [0, 1].map((index) => new Client(() => daemons[index]?.baseUrl ?? ""));

beforeAll(async () => {
  server = await startPostgres();
  const store = await server.createDatabase();
  const env = { PATH: process.env.PATH ?? "" };
  for (let n = 0; n < 2; n++)
    daemons.push(
      await ServedDaemon.start({ store, env, sandbox: "off", permissionMode: "bypassPermissions" }),
    );
});
afterAll(async () => {
  for (const daemon of daemons) await daemon.remove();
  await server?.stop();
});

const isThere = async (task: TaskRecord) => {
  const { pid } = task.metadata as JsonObject;
  return (await systemTraces().startedAt(Number(pid))) !== undefined;
};

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("04-R49 03-R15 a command in the background is seen at both daemons of a store, and stopped at either", async () => {
  const [here, there] = clients as [Client, Client];
  await here.call("createSession", { body: { session_id: "s" } });
  for (const [index, asked] of [here, there].entries()) {
    const command = `sleep 60${index}`;
    const call = { name: "bash", input: { command, run_in_background: true } };
    const content = JSON.stringify({ simulate: [{ tool_calls: [call] }, { text: "begun" }] });
    await here.call("submitRun", { params: { session_id: "s" }, body: { content } });
    const seen = (client: Client) =>
      eventually(async () => {
        const tasks = (await client.call("listTasks", { params: { session_id: "s" } })) as TaskRecord[];
        return tasks.find((one) => one.description === command && "pid" in (one.metadata as JsonObject));
      });
    const task = await seen(here);
    expect((await seen(there)).id).toBe(task.id);
    expect(await isThere(task)).toBe(true);

    // Whichever of them runs it, they are asked in turn.
    const params = { session_id: "s", task_id: task.id };
    await asked.call("stopTask", { params, body: { reason: `enough ${index}` } });
    const ended = await eventually(async () => {
      const now = await there.call("getTask", { params });
      return now.status === "in_progress" ? undefined : now;
    });
    expect(ended).toMatchObject({ status: "cancelled", output: `enough ${index}` });
    expect(await isThere(task)).toBe(false);
  }
});
