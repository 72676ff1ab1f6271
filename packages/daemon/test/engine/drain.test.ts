import { describe, expect, test } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig, RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();

interface Stopped {
  rig: Rig;
  runId: string;
  gate: Gate;
  /** How much time the drain took. */
  tookMs: number;
}

/** A daemon that is drained while a tool runs; `meanwhile` happens once the drain has begun. */
async function drainedDuring(
  effect: "read" | "idempotent" | "once",
  meanwhile: (gate: Gate) => void = () => {},
  deadlineMs = 1_000,
): Promise<Stopped> {
  const gate = new Gate();
  const rig = await createRig((incarnation) => [
    testTool("work", {
      effect,
      execute: incarnation === 0 ? gate.execute : async () => succeeded("by the next"),
    }),
  ]);
  const daemon = await rig.boot();
  const session = await TestSession.create(daemon);
  const run = await session.play([{ tool_calls: [{ name: "work", input: {} }] }, { text: "done" }]);
  await until("the tool to begin", () => gate.begun.length === 1);
  const tookMs = await drain(rig, daemon, deadlineMs, () => meanwhile(gate));
  return { rig, runId: run.run_id, gate, tookMs };
}

async function drain(
  rig: Rig,
  daemon: RiggedDaemon,
  deadlineMs: number,
  meanwhile = () => {},
): Promise<number> {
  const began = rig.clock.now();
  let over = false;
  const drained = daemon.daemon.drain(deadlineMs).finally(() => {
    over = true;
  });
  meanwhile();
  await pause(20);
  while (!over) await rig.clock.advance(50);
  await drained;
  return rig.clock.now() - began;
}

describe("01-R99: a drain", () => {
  test("waits for a tool that ends by itself, and keeps its result", async () => {
    const { rig, runId, gate, tookMs } = await drainedDuring("once", (begun) =>
      begun.open(succeeded("in time")),
    );
    expect(tookMs).toBe(0);
    expect(gate.begun[0]?.context.signal.aborted).toBe(false);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({ status: "completed", usage: { restarts: 1 } });
    expect(await session.outputs()).toEqual(["in time"]);
  });

  test("with a stuck tool ends in time; the run goes on with the next daemon, a `once` effect as unknown", async () => {
    const { rig, runId, gate, tookMs } = await drainedDuring("once");
    expect(tookMs).toBeLessThanOrEqual(1_000);
    expect(gate.begun[0]?.context.signal.aborted, "it was told").toBe(true);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({ status: "completed", usage: { restarts: 1 } });
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "unknown" }]);
  });

  test.each(["read", "idempotent"] as const)(
    "with a stuck %s call: the next daemon makes it again",
    async (effect) => {
      const { rig, runId } = await drainedDuring(effect);
      const session = new TestSession(await rig.boot());
      expect(await session.settled(runId)).toMatchObject({ status: "completed" });
      expect(await session.outputs()).toEqual(["by the next"]);
      expect(await session.events("tool_call_started")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    },
  );

  test.each([
    ["read", "by the next"],
    ["idempotent", "by the next"],
    ["once", "stopped halfway"],
  ] as const)("with a %s call that stops when told: the model reads '%s'", async (effect, read) => {
    const stopped = { kind: "result", output: "stopped halfway", is_error: true } as const;
    const rig = await createRig((incarnation) => [
      testTool("work", {
        effect,
        execute: (_input, { signal }) =>
          incarnation > 0
            ? Promise.resolve(succeeded("by the next"))
            : new Promise((resolve) => signal.addEventListener("abort", () => resolve(stopped))),
      }),
    ]);
    const daemon = await rig.boot();
    const before = await TestSession.create(daemon);
    const run = await before.play([{ tool_calls: [{ name: "work", input: {} }] }, { text: "done" }]);
    await until("the dispatch", async () => (await before.events("tool_call_started")).length === 1);
    await pause();
    expect(await drain(rig, daemon, 1_000)).toBeLessThan(1_000);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([read]);
  });

  test("what a left-behind tool says afterwards is not heard", async () => {
    const { rig, runId, gate } = await drainedDuring("once");
    gate.open(succeeded("much too late"));
    await pause();
    const session = new TestSession(await rig.boot());
    await session.settled(runId);
    expect(JSON.stringify(await session.journal())).not.toContain("much too late");
  });

  test("cuts a model call at once; its tokens were never history", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const before = await TestSession.create(daemon);
    const run = await before.play([{ text: "answer", delay_ms: 30_000 }]);
    await until(
      "the run to be driven",
      async () => (await daemon.store.getItem("session", "s"))?.token !== 0,
    );
    await pause();
    expect(await drain(rig, daemon, 10_000)).toBeLessThan(1_000);
    expect(await before.events("message_appended")).toEqual([]);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(run.run_id)).toMatchObject({
      status: "completed",
      outputs: [{ content: "answer" }],
    });
  });

  test("begins nothing new: what is submitted meanwhile is kept for the next daemon", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const before = await TestSession.create(daemon);
    await drain(rig, daemon, 1_000);
    const run = await before.submit("later");
    await pause();
    expect(await before.run(run.run_id)).toMatchObject({ status: "running" });
    expect(await before.events("message_appended")).toEqual([]);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed", usage: { restarts: 0 } });
  });

  test("gives the session back at once: the next daemon need not wait for a lease to run out", async () => {
    const { rig, runId } = await drainedDuring("once", (begun) => begun.open());
    const session = new TestSession(await rig.boot({ instanceId: "another" }));
    const before = rig.clock.now();
    await session.reaches(runId, "completed");
    expect(rig.clock.now()).toBe(before);
  });

  test("never leaves a call on record as sent that nobody made", async () => {
    // The drain begins while the commit that dispatches the call is on its way.
    const done: number[] = [];
    const rig = await createRig((incarnation) => [
      testTool("work", {
        effect: "once",
        execute: async () => {
          done.push(incarnation);
          return succeeded("done");
        },
      }),
    ]);
    const dispatching = Promise.withResolvers<void>();
    const wrap = (inner: Store) =>
      around(inner, {
        commit: async (ops, options) => {
          const result = await inner.commit(ops, options);
          const sent = ops.some(
            (op) => op.op === "append" && op.events.some((one) => one.type === "tool_call_started"),
          );
          if (sent) {
            dispatching.resolve();
            await pause(5);
          }
          return result;
        },
      });
    const daemon = await rig.boot({ wrap });
    const before = await TestSession.create(daemon);
    const run = await before.play([{ tool_calls: [{ name: "work", input: {} }] }, { text: "done" }]);
    await dispatching.promise;
    await drain(rig, daemon, 1_000);
    expect(done).toEqual([]);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(done).toEqual([1]);
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "settled" }]);
  });

  test("a claim that comes with the drain dispatches nothing", async () => {
    const done: number[] = [];
    const rig = await createRig((incarnation) => [
      testTool("bash", {
        effect: "once",
        execute: async () => {
          done.push(incarnation);
          return succeeded("done");
        },
      }),
    ]);
    let drained: Promise<void> | undefined;
    const daemon: RiggedDaemon = await rig.boot({
      wrap: (inner) =>
        around(inner, {
          commit: async (ops, options) => {
            const result = await inner.commit(ops, options);
            const claimed = result.ok && Object.values(result.claimed).flat().length > 0;
            if (claimed && approved) drained ??= daemon.daemon.drain(1_000);
            return result;
          },
        }),
    });
    let approved = false;
    const before = await TestSession.create(daemon);
    const { run_id: runId } = await before.play([
      { tool_calls: [{ name: "bash", input: {} }] },
      { text: "done" },
    ]);
    const waiting = await before.reaches(runId, "waiting_for_approval");
    await until(
      "the claim to be given up",
      async () => (await daemon.store.getItem("session", "s")) === undefined,
    );
    approved = true;
    await before.resolve(runId, { request_id: waiting.pending_approvals?.[0]?.id ?? "", behavior: "allow" });
    await until("the drain", () => drained !== undefined);
    await drained;
    await pause();
    expect(await before.events("tool_call_started")).toEqual([]);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(done).toEqual([1]);
  });
});
