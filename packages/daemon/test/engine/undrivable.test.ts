import { describe, expect, test } from "vitest";
import { sessionStream } from "../../src/engine/index.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { HookWorld, hooksAt, setHooks, settleHooks } from "../hooks/hook-world.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { testTool } from "../support/tools.ts";

const createRig = useRigs();

interface Broken {
  /** What reading the journal of session `bad` throws; nothing when it works. */
  error: Error | undefined;
  reads: number;
}

function breaking(broken: Broken): (inner: Store) => Store {
  return (inner) =>
    around(inner, {
      readStream: async (stream, range) => {
        if (stream === sessionStream("bad") && broken.error !== undefined) {
          broken.reads += 1;
          throw broken.error;
        }
        return inner.readStream(stream, range);
      },
    });
}

describe("a run that cannot be driven", () => {
  test("is quarantined after five attempts, visibly; other sessions do not notice", async () => {
    const broken: Broken = { error: new SyntaxError("unexpected end"), reads: 0 };
    const rig = await createRig([testTool("look")]);
    const daemon = await rig.boot({ wrap: breaking(broken) });
    const bad = await TestSession.create(daemon, "bad");
    const good = await TestSession.create(daemon, "good");
    const lost = await bad.submit("to nowhere");
    const fine = await good.play([{ tool_calls: [{ name: "look", input: {} }] }, { text: "done" }]);
    expect(await good.settled(fine.run_id)).toMatchObject({ status: "completed" });
    expect(await bad.settled(lost.run_id)).toMatchObject({
      status: "failed",
      error: "quarantined: the run could not be driven (SyntaxError)",
    });
    expect((await bad.call("getSession")).json).toMatchObject({ snapshot: { agent: { status: "failed" } } });
    expect(broken.reads).toBeGreaterThanOrEqual(5);
  });

  test("03 is told to stop_failure hooks like any other run that failed", async () => {
    const broken: Broken = { error: new SyntaxError("unexpected end"), reads: 0 };
    const rig = await createRig([]);
    const hooks = new HookWorld();
    const daemon = await rig.boot({ wrap: breaking(broken), callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["stop_failure"]));
    const bad = await TestSession.create(daemon, "bad");
    const { run_id } = await bad.submit("to nowhere");
    await bad.settled(run_id);
    await settleHooks(daemon, () => hooks.calls.length, 1);
    const error = "quarantined: the run could not be driven (SyntaxError)";
    expect(hooks.calls).toMatchObject([{ event: "stop_failure", run_id, payload: { error } }]);
  });

  test("gives the session's next run as many attempts of its own", async () => {
    const broken: Broken = { error: new SyntaxError("unexpected end"), reads: 0 };
    const rig = await createRig([]);
    const daemon = await rig.boot({ wrap: breaking(broken) });
    const bad = await TestSession.create(daemon, "bad");
    const first = await bad.submit("one");
    const second = await bad.submit("two");
    while ((await bad.run(first.run_id)).status !== "failed") await rig.clock.advance(500);
    expect(await bad.run(second.run_id)).toMatchObject({ status: "running" });
    // Now and then a journal can be read again: one more failure is not the end of the run.
    await rig.clock.advance(500);
    broken.error = undefined;
    expect(await bad.settled(second.run_id)).toMatchObject({ status: "completed" });
  });

  test("because the store does not work waits for the store, however long that takes", async () => {
    const broken: Broken = { error: new StoreError("unavailable", "gone"), reads: 0 };
    const rig = await createRig([]);
    const daemon = await rig.boot({ wrap: breaking(broken) });
    const bad = await TestSession.create(daemon, "bad");
    const run = await bad.submit("patience");
    for (let attempt = 0; attempt < 30; attempt++) await rig.clock.advance(1_000);
    expect(broken.reads).toBeGreaterThan(5);
    expect(await bad.run(run.run_id)).toMatchObject({ status: "running" });
    broken.error = undefined;
    expect(await bad.settled(run.run_id)).toMatchObject({ status: "completed" });
  });
});
