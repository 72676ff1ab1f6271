import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Client } from "../http/support/client.ts";
import { IN_TIME_MS, say, script, use } from "../http/support/script.ts";
import { EventStream } from "../http/support/stream.ts";
import { findLeaks } from "../support/no-leak.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

const SECRET = "7f-the-secret-of-a-slot-3c9";

async function guarded(options: Partial<ServedOptions> = {}) {
  const env = { KHEISH_AUTH_STORE_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") };
  const daemon = await ServedDaemon.start({ store: "sqlite", env, ...options });
  onTestFinished(() => daemon.remove());
  const api = new Client(() => daemon.baseUrl);
  const slot = { slot_id: "some.slot", provider: "generic", mode: "opaque_secret", state: { value: SECRET } };
  await api.call("putSecret", { body: slot as never });
  await api.call("createSession", { body: { session_id: "s" } });
  return { daemon, api };
}

test("02-R93 what a command in the background prints is kept and shown without secrets", async () => {
  const { daemon, api } = await guarded({ permissionMode: "bypassPermissions" });
  const at = { params: { session_id: "s" } };
  const command = `for part in ${SECRET.slice(0, 9)} ${SECRET.slice(9)}; do printf %s "$part"; printf %s "$part" >&2; sleep 0.1; done; echo; echo over`;
  const turns = script(use("bash", { command, run_in_background: true }), say("begun"));
  await api.call("submitRun", { ...at, body: { content: turns } });
  const [task] = await vi.waitUntil(
    async () => {
      const tasks = await api.call("listTasks", at);
      return Array.isArray(tasks) && tasks[0]?.status === "completed" ? tasks : undefined;
    },
    { timeout: IN_TIME_MS },
  );
  const params = { ...at.params, task_id: task?.id ?? "" };
  const shown = JSON.stringify(await api.call("taskOutput", { params }));
  expect(shown).toContain("<redacted>");
  expect(shown).toContain("over");
  expect(shown).not.toContain(SECRET);
  expect(await findLeaks({ slot: SECRET }, { directories: [join(daemon.directory, "state")] })).toEqual([]);
});

test("02-R93 whoever watches a model speak sees no secret, wherever its words are cut", async () => {
  const { api } = await guarded();
  const stream = await EventStream.open(api.url("sessionStream", { params: { session_id: "s" } }));
  const text = `the key is ${SECRET}, and ${Buffer.from(SECRET).toString("base64")}, no more`;
  const turns = script({ text, reasoning: `think of ${SECRET}`, chunks: text.length });
  const { run_id } = await api.call("submitRun", { params: { session_id: "s" }, body: { content: turns } });
  const said = { text: "", reasoning: "" };
  await stream.until(({ event, data }) => {
    const delta = data as { part?: "text" | "reasoning"; text?: string };
    if (event === "output_delta") said[delta.part ?? "text"] += delta.text ?? "";
    return event === "run_updated" && JSON.stringify(data).includes('"completed"');
  });
  stream.close();
  expect(said.text).toBe("the key is <redacted>, and <redacted>, no more");
  expect(said.reasoning).toBe("think of <redacted>");
  expect((await api.call("getRun", { params: { run_id } })).outputs?.[0]?.content).toBe(said.text);
});
