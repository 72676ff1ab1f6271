import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { expect, test } from "vitest";
import type { Client } from "../http/support/client.ts";
import { EventStream } from "../http/support/stream.ts";
import { useTwoOnPostgres } from "../support/two-on-postgres.ts";
import { until } from "../support/wait.ts";

const { daemons, one, other } = useTwoOnPostgres();

async function play(client: Client, session: string, turns: readonly object[]): Promise<RunView> {
  await client.call("createSession", { body: { session_id: session } });
  const params = { session_id: session };
  const content = JSON.stringify({ simulate: turns });
  return (await client.call("sessionInput", { params, body: { content } })) as unknown as RunView;
}

test("03 hooks that were set at one daemon guard and watch the runs of the other, and both know what failed", async () => {
  const file = join(daemons[0]?.directory ?? "", "told");
  const hooks = {
    pre_tool_use: [{ name: "guard", executor: { type: "command", command: "exit 7" } }],
    notification: [
      { name: "watch", executor: { type: "command", command: `cat >> ${file}; echo >> ${file}` } },
    ],
  };
  const stream = await EventStream.open(other.url("eventsStream"));
  await one.call("setHooks", { body: { settings: { hooks } } });
  await stream.until(({ event }) => event === "runtime_updated");
  stream.close();
  await other.call("getRuntime");

  await play(other, "guarded", [{ tool_calls: [{ name: "get_goal", input: {} }] }, { text: "ok" }]);
  const asked = play(other, "watched", [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }]);
  const letters = await one.call("listHookDeadLetters");
  expect(letters).toMatchObject([{ hook_name: "guard", session_id: "guarded", failure_mode: "closed" }]);
  expect(await other.call("listHookDeadLetters")).toEqual(letters);
  const params = { dead_letter_id: letters[0]?.id ?? "" };
  const [mine, theirs] = await Promise.all([
    one.call("resolveHookDeadLetter", { params, body: { reason: "by one" } }),
    other.call("resolveHookDeadLetter", { params, body: { reason: "by other" } }),
  ]);
  expect(mine, "whoever came first looked after it").toEqual(theirs);

  await asked;
  const told = async () => (await readFile(file, "utf8").catch(() => "")).trim().split("\n").filter(Boolean);
  await until("the watcher to be told", async () => (await told()).length === 1);
  expect(JSON.parse((await told())[0] ?? "")).toMatchObject({ event: "notification", session_id: "watched" });
});
