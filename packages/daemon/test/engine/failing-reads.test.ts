import { describe, expect, test } from "vitest";
import { sessionStream } from "../../src/engine/index.ts";
import type { BoundRequest } from "../../src/features/binding.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { Gate, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

/** A store that does not answer some reads for as long as the test says so. */
class Outage {
  isOn = false;

  wrap = (inner: Store): Store =>
    around(inner, {
      readStream: async (stream, range) => {
        if (this.isOn && stream === sessionStream("s")) throw this.#error();
        return inner.readStream(stream, range);
      },
      get: async (kind, id) => {
        if (this.isOn && kind === "session") throw this.#error();
        return inner.get(kind, id);
      },
    });

  #error(): StoreError {
    return new StoreError("unavailable", "the store does not answer");
  }
}

describe("a store that does not answer a read", () => {
  test("01-R93 keeps a run from being cancelled without an account of what it has let go", async () => {
    const outage = new Outage();
    const gate = new Gate();
    const rig = await createRig([testTool("slow", { effect: "once", execute: gate.execute })]);
    const daemon = await rig.boot({ wrap: outage.wrap });
    const session = await TestSession.create(daemon);
    const run = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }, { text: "never" }]);
    await until("the tool to begin", () => gate.begun.length > 0);
    const cancel = () => daemon.call("cancelRun", { params: { run_id: run.run_id } });
    outage.isOn = true;
    await expect(cancel()).rejects.toMatchObject({ code: "unavailable" });
    outage.isOn = false;
    expect(await session.run(run.run_id)).toMatchObject({ status: "running" });
    expect((await cancel()).json).toMatchObject({ status: "cancelled" });
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "unknown" }]);
  });

  test("01-R59 fails a stream once, and not everybody who comes to the same event afterwards", async () => {
    const outage = new Outage();
    const rig = await createRig([]);
    const daemon = await rig.boot({ wrap: outage.wrap });
    const first = await follow(daemon);
    outage.isOn = true;
    // Made elsewhere: what this daemon cannot read, it cannot have written.
    const other = await rig.boot({ store: daemon.store, instanceId: "other" });
    await TestSession.create(other);
    await expect(first.next()).rejects.toMatchObject({ code: "unavailable" });
    outage.isOn = false;
    const second = await follow(daemon, "0");
    const { value: together } = await second.next();
    expect(together).toContainEqual(expect.objectContaining({ event: "session_snapshot" }));
  });
});

async function follow(daemon: RiggedDaemon, cursor?: string) {
  const binding = daemon.daemon.bindings.find(({ endpoint }) => endpoint === "eventsStream");
  const reply = await binding?.handle({
    params: {},
    query: cursor === undefined ? {} : { cursor },
    principal: { id: "test", access: "admin" },
    requestId: "req_test",
    signal: new AbortController().signal,
  } as unknown as BoundRequest);
  if (reply === undefined || !("stream" in reply)) throw new Error("no stream");
  return reply.stream[Symbol.asyncIterator]();
}
