import { expect, onTestFinished, test } from "vitest";
import { Client } from "../http/support/client.ts";
import { script } from "../http/support/script.ts";
import { EventStream } from "../http/support/stream.ts";
import { ServedDaemon } from "../support/served.ts";

const SECRET = "7f-the-secret-of-a-slot-3c9";

test("02-R93 whoever watches a model speak sees no secret, wherever its words are cut", async () => {
  const env = { KHEISH_AUTH_STORE_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") };
  const daemon = await ServedDaemon.start({ store: "sqlite", env });
  onTestFinished(() => daemon.remove());
  const api = new Client(() => daemon.baseUrl);
  const slot = { slot_id: "some.slot", provider: "generic", mode: "opaque_secret", state: { value: SECRET } };
  await api.call("putSecret", { body: slot as never });
  await api.call("createSession", { body: { session_id: "s" } });
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
