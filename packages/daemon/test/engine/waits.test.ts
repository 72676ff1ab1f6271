import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions } from "../support/rig.ts";
import { calls, ScriptedModel } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, succeeded, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();
const MINUTE = 60_000;

/** A run that waits for approval of `count` calls of bash. */
async function waitingForApproval(options: BootOptions & { count?: number; operator?: object } = {}) {
  const { count = 1, operator, ...boot } = options;
  const done: unknown[] = [];
  const bash = testTool("bash", {
    execute: async (input) => {
      done.push(input);
      return succeeded("ran");
    },
  });
  const rig = await createRig([bash, askTool()]);
  const daemon = await rig.boot(boot);
  const session = await TestSession.create(daemon);
  if (operator !== undefined) {
    const defaults = { enabled: true, allow_notify: true, allow_questions: true };
    await session.call("putOperator", { operator: { ...defaults, ...operator } });
  }
  const tool_calls = Array.from({ length: count }, (_, n) => ({ name: "bash", input: { n } }));
  const { run_id: runId } = await session.play([{ tool_calls }, { text: "done" }]);
  const run = await session.reaches(runId, "waiting_for_approval");
  const ids = (run.pending_approvals ?? []).map((approval) => approval.id);
  return { rig, daemon, session, runId, run, ids, done };
}

describe("a run that waits for approval", () => {
  test("03-R29 has run no call of its batch, not even one that needs no yes", async () => {
    const done: string[] = [];
    const noted = (name: string) =>
      testTool(name, {
        execute: async () => {
          done.push(name);
          return succeeded("ran");
        },
      });
    const rig = await createRig([noted("free"), noted("bash")]);
    const session = await TestSession.create(await rig.boot());
    const tool_calls = ["free", "bash", "free"].map((name) => ({ name, input: {} }));
    const { run_id: runId } = await session.play([{ tool_calls }, { text: "done" }]);
    const run = await session.reaches(runId, "waiting_for_approval");
    await pause();
    expect(done).toEqual([]);
    await session.resolve(runId, { request_id: run.pending_approvals?.[0]?.id ?? "", behavior: "allow" });
    await session.settled(runId);
    expect(done).toEqual(["free", "bash", "free"]);
  });

  test("03-R31 01-R41: part of it may be decided; the rest is waited for; denied calls get the reason", async () => {
    const { session, runId, ids, done } = await waitingForApproval({ count: 3 });
    const [first = "", second = "", third = ""] = ids;
    await session.resolve(runId, { request_id: second, behavior: "deny" });
    expect(await session.run(runId)).toMatchObject({
      status: "waiting_for_approval",
      pending_approvals: [{ id: first }, { id: third }],
    });
    await session.resolve(
      runId,
      { request_id: first, behavior: "allow" },
      { request_id: third, behavior: "allow" },
    );
    expect(await session.settled(runId)).toMatchObject({ status: "completed", kind: "approval_resume" });
    expect(done).toEqual([{ n: 0 }, { n: 2 }]);
    expect(await session.outputs()).toEqual([{ error: "approval denied", denied: true }, "ran", "ran"]);
    expect(await session.events("resumed"), "nobody took anything over").toEqual([]);
  });

  test("03-R30: a batch with one unknown id decides nothing", async () => {
    const { session, runId, ids } = await waitingForApproval({ count: 2 });
    const known = { request_id: ids[0] ?? "", behavior: "allow" as const };
    await expect(
      session.resolve(runId, known, { request_id: "approval-x", behavior: "allow" }),
    ).rejects.toMatchObject({
      code: "approval_request_not_pending",
    });
    expect((await session.run(runId)).pending_approvals).toHaveLength(2);
    expect(await session.events("approval_resolved")).toEqual([]);
  });

  test("approvals first, then the question of the same batch, then its other calls", async () => {
    const names = ["ask_user_question", "bash", "after"];
    const model = ScriptedModel.of([calls(names.map((name) => ({ name })))]);
    const rig = await createRig([askTool(), testTool("bash"), testTool("after")]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const { run_id: runId } = await session.submit("go");
    const waiting = await session.reaches(runId, "waiting_for_approval");
    await session.resolve(runId, { request_id: waiting.pending_approvals?.[0]?.id ?? "", behavior: "allow" });
    await session.reaches(runId, "waiting_for_user_question");
    expect(await session.outputs()).toEqual([]);
    await session.answer(runId, "yes");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(model.requests.at(-1)?.messages.at(-1)).toMatchObject({
      results: names.map((tool_name) => ({ tool_name })),
    });
  });

  test("03-R33 by default has no deadline", async () => {
    const { daemon, run } = await waitingForApproval();
    expect(run.pending_approvals?.[0]).not.toHaveProperty("expires_at_ms");
    expect(await daemon.store.nextDueAt("timer")).toBeUndefined();
  });
});

describe("01-A10: an approval that expires", () => {
  test("is denied at its deadline and not before, and the run goes on", async () => {
    const { rig, session, runId, run, done } = await waitingForApproval({ approvalTimeoutMs: MINUTE });
    expect(run.pending_approvals).toMatchObject([
      { expires_at_ms: rig.clock.now() + MINUTE, on_timeout: "deny" },
    ]);
    await rig.clock.advance(MINUTE - 1);
    expect(await session.run(runId)).toMatchObject({ status: "waiting_for_approval" });
    await rig.clock.advance(1);
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(done).toEqual([]);
    expect(await session.outputs()).toEqual([
      { error: expect.stringContaining("was not answered before"), denied: true },
    ]);
    expect(await session.events("approval_resolved")).toMatchObject([{ decided_by: "daemon" }]);
  });

  test("cancels the run where the session says so, and names what nobody answered", async () => {
    const operator = { approval_timeout_ms: MINUTE, approval_on_timeout: "cancel" };
    const { rig, session, runId, ids, done } = await waitingForApproval({ operator });
    await rig.clock.advance(MINUTE);
    const run = await session.reaches(runId, "cancelled");
    expect(run.error).toContain(ids[0]);
    expect(done).toEqual([]);
    expect(await session.events("approval_resolved")).toEqual([]);
  });

  test("the session's own deadline outranks the daemon's, and 0 is none", async () => {
    const own = await waitingForApproval({
      approvalTimeoutMs: MINUTE,
      operator: { approval_timeout_ms: 5 * MINUTE },
    });
    expect(own.run.pending_approvals).toMatchObject([{ expires_at_ms: own.rig.clock.now() + 5 * MINUTE }]);
    const never = await waitingForApproval({
      approvalTimeoutMs: MINUTE,
      operator: { approval_timeout_ms: 0 },
    });
    expect(never.run.pending_approvals?.[0]).not.toHaveProperty("expires_at_ms");
  });

  test("of several, those that were decided in time stand", async () => {
    const { rig, session, runId, ids, done } = await waitingForApproval({
      approvalTimeoutMs: MINUTE,
      count: 2,
    });
    await session.resolve(runId, { request_id: ids[0] ?? "", behavior: "allow" });
    await rig.clock.advance(MINUTE);
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(done).toEqual([{ n: 0 }]);
  });

  test("that was decided in time does nothing at its deadline", async () => {
    const { rig, session, runId, ids } = await waitingForApproval({ approvalTimeoutMs: MINUTE });
    await session.resolve(runId, { request_id: ids[0] ?? "", behavior: "allow" });
    await session.settled(runId);
    const journal = await session.journal();
    await rig.clock.advance(2 * MINUTE);
    expect(await session.journal()).toEqual(journal);
  });

  test("01-R92: whose deadline passed during downtime is over as soon as a daemon is there", async () => {
    const { rig, daemon, runId, done } = await waitingForApproval({ approvalTimeoutMs: MINUTE });
    await daemon.stop();
    await rig.clock.advance(2 * MINUTE);
    const session = new TestSession(await rig.boot({ approvalTimeoutMs: MINUTE }));
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(done).toEqual([]);
  });
});

describe("01-R94: a question that expires", () => {
  async function asked(deadline: (nowMs: number) => number) {
    const rig = await createRig([askTool(({ clock }) => deadline(clock.now()))]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const { run_id: runId } = await session.play([
      { tool_calls: [{ name: "ask_user_question", input: {} }] },
      { text: "done" },
    ]);
    return { rig, daemon, session, runId };
  }

  test("03-R40 cancels the run at its deadline, naming the request and the time, and frees the slot", async () => {
    const { rig, session, runId } = await asked((now) => now + MINUTE);
    const run = await session.reaches(runId, "waiting_for_user_question");
    const [question] = run.pending_questions ?? [];
    const next = await session.submit("next");
    await rig.clock.advance(MINUTE - 1);
    expect(await session.run(runId)).toMatchObject({ status: "waiting_for_user_question" });
    await rig.clock.advance(1);
    const cancelled = await session.reaches(runId, "cancelled");
    expect(cancelled.error).toContain(question?.id);
    expect(cancelled.error).toContain(new Date(question?.expires_at_ms ?? 0).toISOString());
    await session.reaches(next.run_id, "completed");
  });

  test("is not answered any more, also while its timer is on the way", async () => {
    const { rig, daemon, session, runId } = await asked((now) => now + MINUTE);
    await session.reaches(runId, "waiting_for_user_question");
    await daemon.daemon.drain(0);
    await rig.clock.advance(MINUTE);
    await expect(session.answer(runId, "yes")).rejects.toMatchObject({ code: "question_expired" });
  });

  test("01-R92 during downtime cancels its run as soon as a daemon is there", async () => {
    const { rig, daemon, session: before, runId } = await asked((now) => now + MINUTE);
    await before.reaches(runId, "waiting_for_user_question");
    await daemon.stop();
    await rig.clock.advance(2 * MINUTE);
    const session = new TestSession(await rig.boot());
    await session.reaches(runId, "cancelled");
  });

  test("before it could be asked is an error for the model, and the run goes on", async () => {
    const { session, runId } = await asked((now) => now - 1);
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "the question's deadline has passed" }]);
    expect(await session.events("waiting_for_user_question")).toEqual([]);
  });

  test("that was answered in time does nothing at its deadline", async () => {
    const { rig, session, runId } = await asked((now) => now + MINUTE);
    await session.reaches(runId, "waiting_for_user_question");
    await session.answer(runId, "yes");
    expect(await session.settled(runId)).toMatchObject({ status: "completed", kind: "user_question_resume" });
    const journal = await session.journal();
    await rig.clock.advance(2 * MINUTE);
    expect(await session.journal()).toEqual(journal);
  });
});

describe("a timer that fires too early", () => {
  test("01-A10 does nothing and comes again: the deadline decides, not who reminds of it", async () => {
    const { rig, daemon, session, runId, ids } = await waitingForApproval({ approvalTimeoutMs: MINUTE });
    const journal = await session.journal();
    const key = `approval/${ids[0]}`;
    const deadline = rig.clock.now() + MINUTE;
    await daemon.store.commit([
      { op: "enqueue", queue: "timer", key, dueAtMs: rig.clock.now(), payload: null },
    ]);
    await until("the timer to fire and to be set again", async () => {
      const item = await daemon.store.getItem("timer", key);
      return item?.owner === undefined && item?.dueAtMs === deadline;
    });
    expect(await session.journal()).toEqual(journal);
    expect(await session.run(runId)).toMatchObject({ status: "waiting_for_approval" });
    await rig.clock.advance(MINUTE);
    await until("the deadline to take effect", async () => (await session.journal()).length > journal.length);
    await until("the timer to be gone", async () => (await daemon.store.getItem("timer", key)) === undefined);
  });
});

describe("suspended means absent", () => {
  test("a run that waits is in nobody's hands", async () => {
    const { daemon, session, runId } = await waitingForApproval();
    await until(
      "the claim to be given up",
      async () => (await daemon.store.getItem("session", "s")) === undefined,
    );
    expect(await daemon.store.getLease("session/s")).toBeUndefined();
    expect(await session.run(runId)).toMatchObject({ status: "waiting_for_approval" });
  });
});
