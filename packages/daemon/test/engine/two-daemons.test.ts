import { describe, expect, test } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();
const LEASE_MS = 30_000;

/** A process that is paused: it renews nothing and claims nothing, and what it has in hand does not know. */
function paused(inner: Store, isPaused: () => boolean, written: string[]): Store {
  return around(inner, {
    commit: async (ops, options) => {
      if (isPaused() && ops.every((op) => op.op === "renew-owner" || op.op === "claim")) {
        return { ok: true, appended: {}, revisions: {}, claimed: {}, leases: {} };
      }
      const result = await inner.commit(ops, options);
      if (isPaused() && options?.fence !== undefined) written.push(result.ok ? "landed" : result.reason);
      return result;
    },
  });
}

describe("two daemons on one store", () => {
  test("a session is driven by one of them, and each run once", async () => {
    const done: { by: number; session: string }[] = [];
    const rig = await createRig((incarnation) => [
      testTool("work", {
        effect: "once",
        execute: async (_input, context) => {
          done.push({ by: incarnation, session: context.session_id });
          return succeeded("done");
        },
      }),
    ]);
    const first = await rig.boot({ instanceId: "a" });
    const second = await rig.boot({ instanceId: "b", store: first.store });
    const daemons = [first, second];
    const runs = [];
    for (let n = 0; n < 20; n++) {
      const session = await TestSession.create(daemons[n % 2] ?? first, `s${n}`);
      const turns = [{ tool_calls: [{ name: "work", input: {} }] }, { text: "done" }];
      runs.push({ session, run: await session.play(turns) });
    }
    await first.settle();
    for (const { session, run } of runs) {
      expect(await session.run(run.run_id)).toMatchObject({ status: "completed", usage: { restarts: 0 } });
      expect(await session.events("started")).toHaveLength(1);
    }
    expect(done.map((one) => one.session).sort()).toEqual(runs.map(({ session }) => session.id).sort());
  });

  test("what one is asked the other may be working on: a cancel reaches it", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("slow", { execute: gate.execute })]);
    const first = await rig.boot({ instanceId: "a" });
    const session = await TestSession.create(first);
    const run = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    const second = await rig.boot({ instanceId: "b", store: first.store });
    await second.call("cancelRun", { params: { run_id: run.run_id } });
    await until("the tool to be told", () => gate.begun[0]?.context.signal.aborted === true);
    expect(await session.run(run.run_id)).toMatchObject({ status: "cancelled" });
  });

  test("a session in one's hands is not touched by the other, however long the tool takes", async () => {
    const gates = [new Gate(), new Gate()];
    const rig = await createRig((incarnation) => [
      testTool("slow", { timeoutMs: 170_000, execute: (gates[incarnation] ?? new Gate()).execute }),
    ]);
    const first = await rig.boot({ instanceId: "a" });
    const session = await TestSession.create(first);
    const run = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }, { text: "done" }]);
    await until("the tool to begin", () => gates[0]?.begun.length === 1);
    await rig.boot({ instanceId: "b", store: first.store });
    await rig.clock.advance(5 * LEASE_MS);
    expect(gates[1]?.begun).toEqual([]);
    gates[0]?.open();
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed", usage: { restarts: 0 } });
  });
});

describe("a daemon that was paused longer than its lease", () => {
  async function overtaken(effect: "once" | "read", count = 1) {
    const gates = [new Gate(), new Gate()];
    let isPaused = false;
    const written: string[] = [];
    const rig = await createRig((incarnation) => [
      testTool("work", {
        effect,
        allowsParallel: true,
        timeoutMs: 170_000,
        execute: (gates[incarnation] ?? new Gate()).execute,
      }),
    ]);
    const stale = await rig.boot({
      instanceId: "a",
      wrap: (inner) => paused(inner, () => isPaused, written),
    });
    const session = await TestSession.create(stale);
    const tool_calls = Array.from({ length: count }, (_, n) => ({ name: "work", input: { n } }));
    const run = await session.play([{ tool_calls }, { text: "{{last_tool_output}}" }]);
    await until("the tools to begin", () => gates[0]?.begun.length === count);
    isPaused = true;
    const other = await rig.boot({ instanceId: "b", store: stale.store });
    await rig.clock.advance(LEASE_MS + 2_000);
    return { rig, stale, other, session, run, gates, written };
  }

  test("01-R97 writes nothing any more: its tool's result is refused by the fence", async () => {
    const { session, run, gates, written } = await overtaken("read");
    await until("the other daemon's attempt", () => gates[1]?.begun.length === 1);
    const journal = await session.journal();
    gates[0]?.open(succeeded("by the stale one"));
    await until("it to be refused", () => written.length > 0);
    await pause();
    expect(await session.journal()).toEqual(journal);
    expect(new Set(written)).toEqual(new Set(["stale_fence"]));
    gates[1]?.open(succeeded("by the owner"));
    expect(await session.settled(run.run_id)).toMatchObject({
      status: "completed",
      outputs: [{ content: "by the owner" }],
      usage: { restarts: 1 },
    });
  });

  test("gives up at once, instead of trying again and again", async () => {
    const { gates, written } = await overtaken("read");
    await until("the other daemon's attempt", () => gates[1]?.begun.length === 1);
    gates[0]?.open();
    await until("it to be refused", () => written.length > 0);
    await pause();
    expect(written).toEqual(["stale_fence"]);
  });

  test("tells what else it has in hand to stop", async () => {
    const { gates, written } = await overtaken("read", 2);
    await until("the other daemon's attempts", () => gates[1]?.begun.length === 2);
    gates[0]?.open(succeeded("late"), 1);
    await until("it to be refused", () => written.length > 0);
    await until("the other call to be told", () => gates[0]?.begun[1]?.context.signal.aborted === true);
  });

  test("does not repeat a `once` effect through the other: its outcome is unknown", async () => {
    const { session, run, gates } = await overtaken("once");
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(gates[1]?.begun).toEqual([]);
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "unknown" }]);
  });

  test("asks no model in a session that is not its own any more", async () => {
    const asked: string[] = [];
    let isPaused = false;
    const late = Promise.withResolvers<void>();
    const model = (name: string, wait: Promise<void>) =>
      new ScriptedModel(async () => {
        asked.push(name);
        await wait;
        return says(`by ${name}`);
      });
    const rig = await createRig([]);
    const stale: RiggedDaemon = await rig.boot({
      instanceId: "a",
      models: model("a", late.promise),
      wrap: (inner) => paused(inner, () => isPaused, []),
    });
    const session = await TestSession.create(stale);
    const run = await session.submit("go");
    await until("the model to be asked", () => asked.length === 1);
    isPaused = true;
    await rig.boot({ instanceId: "b", store: stale.store, models: model("b", Promise.resolve()) });
    await rig.clock.advance(LEASE_MS + 2_000);
    await session.reaches(run.run_id, "completed");
    late.resolve();
    await pause();
    expect(asked).toEqual(["a", "b"]);
    expect((await session.run(run.run_id)).outputs).toMatchObject([{ content: "by b" }]);
    expect(await session.events("message_appended")).toHaveLength(1);
  });

  test("and overtakes itself can still be told that the run it drives is over", async () => {
    const asked: { signal: AbortSignal; answer: PromiseWithResolvers<void> }[] = [];
    const model = new ScriptedModel(async (_request, { signal }) => {
      const answer = Promise.withResolvers<void>();
      asked.push({ signal, answer });
      await answer.promise;
      return says("late");
    });
    const rig = await createRig([]);
    const daemon = await rig.boot({
      models: model,
      wrap: (inner) =>
        around(inner, {
          commit: async (ops, options) =>
            ops.every((op) => op.op === "renew-owner")
              ? { ok: true, appended: {}, revisions: {}, claimed: {}, leases: {} }
              : inner.commit(ops, options),
        }),
    });
    const session = await TestSession.create(daemon);
    const run = await session.submit("go");
    await until("the first call", () => asked.length === 1);
    await rig.clock.advance(LEASE_MS + 2_000);
    await until("the second call", () => asked.length === 2);
    asked[0]?.answer.resolve();
    await pause();
    expect(asked[1]?.signal.aborted).toBe(false);
    await daemon.call("cancelRun", { params: { run_id: run.run_id } });
    await until("the second call to be cut", () => asked[1]?.signal.aborted === true);
    expect(await session.events("message_appended")).toEqual([]);
    for (const { answer } of asked) answer.resolve();
  });

  test("does not take the answer to a write from before for how the session is now", async () => {
    const isPaused = { a: false, b: false };
    const parks = ({ type }: { type: string }) => type === "waiting_for_approval";
    const waiting = Promise.withResolvers<void>();
    const gates = [new Gate(), new Gate()];
    const rig = await createRig((incarnation) => [
      testTool("bash", {
        effect: "read",
        timeoutMs: 170_000,
        execute: (gates[incarnation] ?? new Gate()).execute,
      }),
    ]);
    const first = await rig.boot({
      instanceId: "a",
      wrap: (inner) => {
        const store = paused(inner, () => isPaused.a, []);
        const commit: Store["commit"] = async (ops, options) => {
          const result = await store.commit(ops, options);
          if (ops.some((op) => op.op === "append" && op.events.some(parks))) {
            isPaused.a = true;
            await waiting.promise;
          } else if (isPaused.b && ops.some((op) => op.op === "acquire-lease")) {
            waiting.resolve();
            await pause();
          }
          return result;
        };
        return around(store, { commit });
      },
    });
    const session = await TestSession.create(first);
    const run = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "done" }]);
    await until("the run to be parked", () => isPaused.a);
    const second = await rig.boot({
      instanceId: "b",
      store: first.store,
      wrap: (inner) => paused(inner, () => isPaused.b, []),
    });
    const there = new TestSession(second);
    const [asked] = (await there.run(run.run_id)).pending_approvals ?? [];
    await there.resolve(run.run_id, { request_id: asked?.id ?? "", behavior: "allow" });
    await until("the other daemon's attempt", () => gates[1]?.begun.length === 1);
    isPaused.b = true;
    isPaused.a = false;
    await rig.clock.advance(LEASE_MS + 2_000);
    await until("the attempt of the one that is back", () => gates[0]?.begun.length === 1);
    gates[0]?.open(succeeded("done"));
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
  });
});
