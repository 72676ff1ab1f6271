import type { Json } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { EffectClass, Reconciled, Tool } from "../../src/engine/index.ts";
import { bootDoomed } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig, RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

/** What was really done, by which daemon and under which key. */
class World {
  readonly done: { tool: string; key: string; incarnation: number }[] = [];
  /** Daemons whose calls never come back. */
  readonly hanging: number;

  constructor(hanging = 1) {
    this.hanging = hanging;
  }

  tool(incarnation: number, name: string, effect: EffectClass, more: Partial<Tool> = {}): Tool {
    return testTool(name, {
      effect,
      execute: async (input: Json, context) => {
        this.done.push({ tool: name, key: context.idempotency_key, incarnation });
        return incarnation < this.hanging ? new Promise(() => undefined) : succeeded({ did: input });
      },
      ...more,
    });
  }
}

/** A first daemon that dies while the calls of one turn are on their way. */
async function crashed(rig: Rig, world: World, names: readonly string[], operator?: object) {
  const first = await bootDoomed(rig);
  const session = await TestSession.create(first);
  if (operator !== undefined) await session.call("putOperator", { operator });
  const tool_calls = names.map((name) => ({ name, input: { to: name } }));
  const run = await session.play([{ tool_calls }, { text: "{{last_tool_output}}" }]);
  await until("a call to begin", () => world.done.length > 0);
  first.kill();
  return run.run_id;
}

const asking = { enabled: true, allow_notify: true, allow_questions: true, unknown_outcome: "ask_operator" };

async function crashedOnce(operator?: object) {
  const world = new World();
  const rig = await createRig((incarnation) => [world.tool(incarnation, "send", "once")]);
  const runId = await crashed(rig, world, ["send"], operator);
  const daemon = await rig.boot();
  return { world, runId, daemon, session: new TestSession(daemon) };
}

describe("a `once` effect whose outcome a crash hid", () => {
  test("01-R90 is not repeated: the model is told, and the run goes on", async () => {
    const { world, runId, session } = await crashedOnce();
    expect(await session.settled(runId)).toMatchObject({
      status: "completed",
      usage: { restarts: 1, tool_calls: 1 },
      outputs: [{ content: expect.stringContaining("outcome unknown") }],
    });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      {
        ledger: "unknown",
        result: { is_error: true, output: { outcome: "unknown", tool: "send", attempts: 1 } },
      },
    ]);
  });

  test("01-R90 with ask_operator: parks the run behind a question that names the call", async () => {
    const { runId, session, daemon } = await crashedOnce(asking);
    const run = await session.reaches(runId, "waiting_for_user_question");
    expect(run.pending_questions).toMatchObject([
      {
        tool_call_id: "sim-0-0",
        questions: [
          {
            header: "Outcome unknown",
            question: expect.stringMatching(/send was running.*\{"to":"send"\}/),
            options: [{ id: "happened" }, { id: "run_again" }, { id: "tell_model" }],
          },
        ],
      },
    ]);
    expect((await daemon.call("listQuestions")).json).toHaveLength(1);
  });

  test("01-R90 with ask_operator, `happened`: is on record as reconciled, and was not repeated", async () => {
    const { world, runId, session } = await crashedOnce(asking);
    await session.reaches(runId, "waiting_for_user_question");
    await session.answer(runId, "happened", { freeform_answer: "I saw the mail" });
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      {
        ledger: "reconciled",
        result: {
          is_error: false,
          output: { outcome: "confirmed_by_operator", operator_note: "I saw the mail" },
        },
      },
    ]);
  });

  test("01-R90 with ask_operator, `run_again`: is made once more, under the same key", async () => {
    const { world, runId, session } = await crashedOnce(asking);
    await session.reaches(runId, "waiting_for_user_question");
    await session.answer(runId, "run_again");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(world.done.map((one) => one.incarnation)).toEqual([0, 1]);
    expect(new Set(world.done.map((one) => one.key)).size).toBe(1);
    expect(await session.events("tool_call_started")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "settled" }]);
  });

  test("01-R90 with ask_operator, `tell_model`: stays unknown, and the model decides", async () => {
    const { world, runId, session } = await crashedOnce(asking);
    await session.reaches(runId, "waiting_for_user_question");
    await session.answer(runId, "tell_model");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "unknown", result: { is_error: true, output: { error: "interrupted, outcome unknown" } } },
    ]);
  });

  test("01-R90 with ask_operator, declined: stays unknown, too", async () => {
    const { runId, session, daemon } = await crashedOnce(asking);
    const run = await session.reaches(runId, "waiting_for_user_question");
    const resolution = { request_id: run.pending_questions?.[0]?.id ?? "", answers: [], declined: true };
    await daemon.call("answerRunQuestion", { params: { run_id: runId }, body: { resolution } });
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "unknown" }]);
  });

  test("01-R92 the question outlives further restarts, and is answered once", async () => {
    const world = new World();
    const rig = await createRig((incarnation) => [world.tool(incarnation, "send", "once")]);
    const runId = await crashed(rig, world, ["send"], asking);
    const second = await bootDoomed(rig);
    await new TestSession(second).reaches(runId, "waiting_for_user_question");
    second.kill();
    const daemon = await rig.boot();
    const session = new TestSession(daemon);
    await session.answer(runId, "happened");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(await session.events("waiting_for_user_question")).toHaveLength(1);
    expect(world.done).toHaveLength(1);
  });

  test("01-R90 two of one batch are asked about one after the other", async () => {
    const world = new World();
    const together = { allowsParallel: true };
    const rig = await createRig((incarnation) =>
      ["mail", "post"].map((name) => world.tool(incarnation, name, "once", together)),
    );
    const runId = await crashed(rig, world, ["mail", "post"], asking);
    const session = new TestSession(await rig.boot());
    for (const name of ["mail", "post"]) {
      const run = await session.reaches(runId, "waiting_for_user_question");
      expect(run.pending_questions).toMatchObject([
        { questions: [{ question: expect.stringContaining(name) }] },
      ]);
      await session.answer(runId, "happened");
    }
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(world.done).toHaveLength(2);
  });
});

describe("a `once` effect that can be read back", () => {
  async function readBack(found: Reconciled | NonNullable<Tool["reconcile"]>) {
    const world = new World();
    const reconcile = typeof found === "function" ? found : async () => found;
    const rig = await createRig((incarnation) => [world.tool(incarnation, "send", "once", { reconcile })]);
    const runId = await crashed(rig, world, ["send"]);
    const session = new TestSession(await rig.boot());
    await session.settled(runId);
    return { world, session };
  }

  test("and was applied is reconciled by reading, not by repeating", async () => {
    const { world, session } = await readBack({ kind: "applied", output: { id: "mail-7" } });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "reconciled", result: { is_error: false, output: { id: "mail-7" } } },
    ]);
  });

  test("and was not applied is made, under the same key", async () => {
    const { world, session } = await readBack({ kind: "not_applied" });
    expect(world.done.map((one) => one.incarnation)).toEqual([0, 1]);
    expect(new Set(world.done.map((one) => one.key)).size).toBe(1);
    expect(await session.events("effect_not_applied")).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "settled" }]);
  });

  test("but whose reading hangs is surfaced when its time is over", async () => {
    const signals: AbortSignal[] = [];
    const { world, session } = await readBack((_input, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "unknown", result: { output: { detail: expect.stringContaining("too long") } } },
    ]);
  });

  test("but whose reading throws is surfaced, too", async () => {
    const { world, session } = await readBack(() => {
      throw new Error("broken");
    });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "unknown" }]);
  });

  test("and kills the daemon each time it is made is given up with its run, as of unknown outcome", async () => {
    const world = new World(6);
    const reconcile = async (): Promise<Reconciled> => ({ kind: "not_applied" });
    const rig = await createRig((incarnation) => [world.tool(incarnation, "send", "once", { reconcile })]);
    const runId = await crashed(rig, world, ["send"]);
    for (let attempt = 2; attempt <= 6; attempt++) {
      const doomed = await bootDoomed(rig);
      await until(`attempt ${attempt}`, () => world.done.length === attempt);
      doomed.kill();
    }
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^quarantined: the daemon stopped 6 times/),
      usage: { tool_calls: 1, restarts: 6 },
    });
    expect(world.done).toHaveLength(6);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "unknown", result: { output: { interrupted: true } } },
    ]);
  });

  test("and cannot be read is surfaced with what is known", async () => {
    const { world, session } = await readBack({ kind: "unknown", detail: "the mailbox is closed" });
    expect(world.done).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "unknown", result: { output: { detail: "the mailbox is closed" } } },
    ]);
  });
});

describe("an effect that may be repeated", () => {
  test.each(["read", "idempotent"] as const)(
    "01-R90 %s is made again, under the same key",
    async (effect) => {
      const world = new World();
      const rig = await createRig((incarnation) => [world.tool(incarnation, "put", effect)]);
      const runId = await crashed(rig, world, ["put"]);
      const session = new TestSession(await rig.boot());
      expect(await session.settled(runId)).toMatchObject({ status: "completed", usage: { restarts: 1 } });
      expect(world.done.map((one) => one.incarnation)).toEqual([0, 1]);
      expect(new Set(world.done.map((one) => one.key)).size).toBe(1);
      expect(await session.events("tool_call_finished")).toMatchObject([{ ledger: "settled" }]);
    },
  );

  test("01-R90 what settled before the crash is not made again", async () => {
    const world = new World();
    const together = { allowsParallel: true };
    const rig = await createRig((incarnation) => [
      world.tool(incarnation, "slow", "read", together),
      testTool("quick", { allowsParallel: true, effect: "once" }),
    ]);
    const first = await bootDoomed(rig);
    const before = await TestSession.create(first);
    const tool_calls = ["quick", "slow"].map((name) => ({ name, input: {} }));
    const run = await before.play([{ tool_calls }, { text: "done" }]);
    await until("the quick one", async () => (await before.outputs()).length === 1);
    first.kill();
    const session = new TestSession(await rig.boot());
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    const attempts = (await session.events("tool_call_started")).map(({ tool_name, attempt }) => [
      tool_name,
      attempt,
    ]);
    expect(attempts).toEqual([
      ["quick", 1],
      ["slow", 1],
      ["slow", 2],
    ]);
  });

  test("attempts are charged before the effect leaves, and bounded: the third is the last", async () => {
    const world = new World(3);
    const rig = await createRig((incarnation) => [world.tool(incarnation, "put", "idempotent")]);
    const runId = await crashed(rig, world, ["put"]);
    for (const attempt of [2, 3]) {
      const doomed = await bootDoomed(rig);
      await until(`attempt ${attempt}`, () => world.done.length === attempt);
      doomed.kill();
    }
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({ status: "completed", usage: { restarts: 3 } });
    expect(world.done).toHaveLength(3);
    expect((await session.events("tool_call_started")).map((started) => started.attempt)).toEqual([1, 2, 3]);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "failed", result: { output: { attempts: 3, detail: expect.stringContaining("3 times") } } },
    ]);
  });

  test("whose tool the next daemon does not have costs its call and not the run", async () => {
    const world = new World();
    const rig = await createRig((incarnation) =>
      incarnation === 0 ? [world.tool(0, "put", "idempotent")] : [],
    );
    const runId = await crashed(rig, world, ["put"]);
    const session = new TestSession(await rig.boot());
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool not found" }]);
  });
});

describe("a run that another daemon takes over", () => {
  async function takenOver(rig: Rig, times: number): Promise<{ runId: string; last: RiggedDaemon }> {
    const first = await bootDoomed(rig);
    const session = await TestSession.create(first);
    // The model never answers: each daemon dies at the same point.
    const { run_id: runId } = await session.play([{ text: "never", delay_ms: 1e12 }]);
    await until("the model to be asked", async () => (await session.events("started")).length === 1);
    first.kill();
    for (let n = 1; n < times; n++) {
      const doomed = await bootDoomed(rig);
      const again = new TestSession(doomed);
      await until("the takeover", async () => (await again.events("resumed")).length === n);
      doomed.kill();
    }
    return { runId, last: await rig.boot() };
  }

  test("01-R90 says so in its journal, once each time, and counts its restarts", async () => {
    const { runId, last } = await takenOver(await createRig([]), 3);
    const session = new TestSession(last);
    await until("the last takeover", async () => (await session.events("resumed")).length === 3);
    expect((await session.events("resumed")).map((resumed) => resumed.attempt)).toEqual([1, 2, 3]);
    await last.call("cancelRun", { params: { run_id: runId } });
    expect((await session.run(runId)).usage).toMatchObject({ restarts: 3 });
  });

  test("is quarantined after five without progress, visibly, and the session goes on", async () => {
    const { runId, last } = await takenOver(await createRig([]), 6);
    const session = new TestSession(last);
    const run = await session.reaches(runId, "failed");
    expect(run.error).toMatch(/^quarantined: the daemon stopped 6 times/);
    const next = await session.submit("still there?");
    expect(await session.settled(next.run_id)).toMatchObject({ status: "completed" });
  });

  test("01-R90 that was merely waiting is not one: nobody had to resume it", async () => {
    const rig = await createRig([testTool("bash")]);
    const first = await bootDoomed(rig);
    const before = await TestSession.create(first);
    const { run_id: runId } = await before.play([
      { tool_calls: [{ name: "bash", input: {} }] },
      { text: "done" },
    ]);
    const waiting = await before.reaches(runId, "waiting_for_approval");
    first.kill();
    const session = new TestSession(await rig.boot());
    const requestId = waiting.pending_approvals?.[0]?.id ?? "";
    await session.resolve(runId, { request_id: requestId, behavior: "allow" });
    expect(await session.settled(runId)).toMatchObject({ status: "completed", usage: { restarts: 0 } });
    expect(await session.events("resumed")).toEqual([]);
  });
});
