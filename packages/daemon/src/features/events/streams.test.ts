import type { JsonObject, StreamEvent } from "@kheish/contract";
import { expect, test } from "vitest";
import { sessionStream } from "../../engine/index.ts";
import { SimulatedClock } from "../../kernel/clock.ts";
import { useScratch } from "../../kernel/conformance/scratch.ts";
import { overriding } from "../../kernel/overriding.ts";
import { openSqliteStore } from "../../kernel/sqlite/index.ts";
import { JournalTail } from "../../kernel/tail.ts";
import { EventStreams } from "./streams.ts";

const scratch = useScratch();
const PLACE = { session_id: "s", run_id: "r" };

test("01-A9 a piece of text is not shown behind the message that holds it, however late the journal is read", async () => {
  const file = await openSqliteStore({ path: scratch("store.db") });
  let mayRead = Promise.resolve();
  const store = overriding(file, {
    readAll: async (range) => {
      await mayRead;
      // As a store does that is asked in another thread or over a network.
      await new Promise((resolve) => setImmediate(resolve));
      return file.readAll(range);
    },
  });
  const unexpected = (error: unknown) => expect.unreachable(String(error));
  const tail = new JournalTail({ store, clock: new SimulatedClock(), capacity: 10, onError: unexpected });
  await tail.start();
  const streams = new EventStreams({ store, runtime: () => expect.unreachable() }, tail);
  const leaving = new AbortController();
  const shown: string[] = [];
  const reading = (async () => {
    const frames = await streams.open({ kind: "global" }, { cursor: "0" }, leaving.signal);
    for await (const page of frames) for (const { data } of page) shown.push(wordOf(data as StreamEvent));
  })();
  const write = (type: string, data: JsonObject) =>
    file.commit([
      { op: "append", stream: sessionStream("s"), events: [{ type, atMs: 0, data: { ...PLACE, ...data } }] },
    ]);

  const { promise, resolve } = Promise.withResolvers<void>();
  mayRead = promise;
  await write("model_call_started", { turn: 1 });
  streams.publishDelta({ ...PLACE, turn: 1, part: "text", text: "first" });
  await write("message_appended", { turn: 1, message: {} });
  resolve();
  await expect.poll(() => shown.length).toBeGreaterThanOrEqual(2);
  await expect.poll(() => tail.caughtUp()).toBeUndefined();
  streams.publishDelta({ ...PLACE, turn: 2, part: "text", text: "second" });
  await expect.poll(() => shown).toContain("second");
  expect(shown).toEqual(["model_call_started", "message_appended", "second"]);

  leaving.abort();
  await reading;
  tail.stop();
  await file.close();
});

function wordOf(data: StreamEvent): string {
  if (data.type === "trace") return data.trace.kind;
  return data.type === "output_delta" ? data.text : data.type;
}
