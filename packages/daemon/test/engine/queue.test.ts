import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { askTool, Gate, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();

/** A run that is in the hands of a tool, and `queued` more behind it. */
async function busySession(queued: number) {
  const gate = new Gate();
  const rig = await createRig([testTool("slow", { execute: gate.execute }), askTool()]);
  const daemon = await rig.boot();
  const session = await TestSession.create(daemon);
  const first = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }]);
  await until("the tool to begin", () => gate.begun.length === 1);
  const others = [];
  for (let n = 1; n <= queued; n++) others.push(await session.submit(`input ${n}`));
  return { gate, rig, daemon, session, first, others };
}

describe("a session's queue", () => {
  test("01-R43 01-R47: one run at a time, in the order of their acceptance, however many", async () => {
    const { gate, session, first, others } = await busySession(40);
    expect(others.map((run) => run.status)).toEqual(others.map(() => "queued"));
    gate.open();
    await session.settled(first.run_id);
    const started = (await session.events("started")).map((event) => event.run_id);
    expect(started).toEqual([first, ...others].map((run) => run.run_id));
    for (const [index, run] of others.entries()) {
      expect(await session.run(run.run_id)).toMatchObject({
        status: "completed",
        outputs: [{ content: `input ${index + 1}` }],
      });
    }
    expect(overlaps(await session.journal())).toBe(0);
  });

  test("01-R43: submissions that race are all accepted once, and run in the order they were accepted", async () => {
    const rig = await createRig([]);
    const session = await TestSession.create(await rig.boot());
    const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => session.submit(`input ${n}`)));
    await session.settled(runs[0]?.run_id ?? "");
    const accepted = (await session.events("accepted")).map((event) => event.run_id);
    expect([...accepted].sort()).toEqual(runs.map((run) => run.run_id).sort());
    expect((await session.events("started")).map((event) => event.run_id)).toEqual(accepted);
    expect((await session.events("completed")).map((event) => event.run_id)).toEqual(accepted);
  });

  test("01-R44 01-R45: a free session starts a run at once, without `queued`; a busy one says its place", async () => {
    const { session, first, others } = await busySession(2);
    const moves = (await session.journal()).filter((event) =>
      ["accepted", "started", "queued"].includes(event.type),
    );
    expect(moves.map((event) => [event.type, event.data])).toEqual([
      ["accepted", { run_id: first.run_id, kind: "input" }],
      ["started", { run_id: first.run_id }],
      ["accepted", { run_id: others[0]?.run_id, kind: "input" }],
      ["queued", { run_id: others[0]?.run_id, position: 1 }],
      ["accepted", { run_id: others[1]?.run_id, kind: "input" }],
      ["queued", { run_id: others[1]?.run_id, position: 2 }],
    ]);
    expect(others.map((run) => run.queued_position)).toEqual([1, 2]);
  });

  test("01-R46: when one leaves the queue those behind it move up", async () => {
    const { daemon, session, others } = await busySession(3);
    const [gone, second, third] = others.map((run) => run.run_id);
    await daemon.call("cancelRun", { params: { run_id: gone ?? "" } });
    expect(await session.run(gone ?? "")).toMatchObject({ status: "cancelled" });
    expect(await session.run(second ?? "")).toMatchObject({ status: "queued", queued_position: 1 });
    expect(await session.run(third ?? "")).toMatchObject({ status: "queued", queued_position: 2 });
    expect((await session.call("getSession")).json).toMatchObject({ queued_run_count: 2 });
  });

  test("01-R49: cancelling a queued run twice is one event, and it never starts", async () => {
    const { gate, daemon, session, first, others } = await busySession(1);
    const params = { run_id: others[0]?.run_id ?? "" };
    const [once, again] = [
      await daemon.call("cancelRun", { params }),
      await daemon.call("cancelRun", { params }),
    ];
    expect(again).toEqual(once);
    gate.open();
    await session.settled(first.run_id);
    expect(await session.events("cancelled")).toEqual([{ run_id: params.run_id, by: "test" }]);
    expect(await session.events("started")).toHaveLength(1);
  });

  test("01-R40: a waiting run keeps the slot", async () => {
    const rig = await createRig([askTool()]);
    const session = await TestSession.create(await rig.boot());
    const asking = await session.play([
      { tool_calls: [{ name: "ask_user_question", input: {} }] },
      { text: "thanks" },
    ]);
    const next = await session.submit("next");
    await session.reaches(asking.run_id, "waiting_for_user_question");
    await pause();
    expect(await session.run(next.run_id)).toMatchObject({ status: "queued" });
    await session.answer(asking.run_id, "yes");
    await session.settled(asking.run_id);
    expect(await session.run(next.run_id)).toMatchObject({ status: "completed" });
  });

  test("01-R43: sessions do not wait for each other", async () => {
    const { daemon, session, first } = await busySession(0);
    const other = await TestSession.create(daemon, "other");
    const run = await other.submit("hello");
    await other.reaches(run.run_id, "completed");
    expect(await session.run(first.run_id)).toMatchObject({ status: "running" });
  });

  test("01-R51: a failed run is not tried again, and the next one starts", async () => {
    const rig = await createRig([]);
    const session = await TestSession.create(await rig.boot());
    const error = { status: 400, message: "no", retryable: false, times: 0 };
    const failing = await session.play([{ error }]);
    const next = await session.submit("next");
    await session.settled(failing.run_id);
    expect(await session.run(failing.run_id)).toMatchObject({ status: "failed" });
    expect(await session.run(next.run_id)).toMatchObject({ status: "completed" });
    expect(await session.events("model_call_failed")).toHaveLength(1);
  });

  test("01-R47: the head of the queue starts in the commit that ends the run before it", async () => {
    const { gate, session, first, others } = await busySession(1);
    gate.open();
    await session.settled(first.run_id);
    const journal = await session.journal();
    const ended = journal.findIndex(
      (event) => event.type === "completed" && event.data.run_id === first.run_id,
    );
    expect(journal.slice(ended, ended + 3).map((event) => event.type)).toEqual([
      "completed",
      "started",
      "input_received",
    ]);
    expect(journal[ended + 1]?.data).toEqual({ run_id: others[0]?.run_id });
  });
});

describe("an interrupted session", () => {
  test("01-R18: its active run ends, and the next one is promoted", async () => {
    const { gate, session, first, others } = await busySession(2);
    const answer = await session.call("interruptSession");
    expect(answer.json).toMatchObject({ interrupted: true });
    expect(await session.run(first.run_id)).toMatchObject({ status: "interrupted" });
    await until("the tool to be told", () => gate.begun[0]?.context.signal.aborted === true);
    gate.open();
    await session.settled(others[1]?.run_id ?? "");
    for (const run of others) expect(await session.run(run.run_id)).toMatchObject({ status: "completed" });
  });

  test("01-R18 01-A1: a run that waits for a person is interrupted too, and its question is closed", async () => {
    const rig = await createRig([askTool()]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([{ tool_calls: [{ name: "ask_user_question", input: {} }] }]);
    const asked = await session.reaches(run.run_id, "waiting_for_user_question");
    await session.call("interruptSession");
    expect(await session.run(run.run_id)).toMatchObject({ status: "interrupted" });
    const resolution = { request_id: asked.pending_questions?.[0]?.id ?? "", answers: [], declined: true };
    await expect(
      daemon.call("answerRunQuestion", { params: { run_id: run.run_id }, body: { resolution } }),
    ).rejects.toMatchObject({ code: "run_state_conflict" });
    expect((await daemon.call("listQuestions")).json).toEqual([]);
  });

  test("01-R18: nothing to interrupt is an answer, and no event", async () => {
    const rig = await createRig([]);
    const session = await TestSession.create(await rig.boot());
    const before = await session.journal();
    expect((await session.call("interruptSession")).json).toMatchObject({ interrupted: false });
    expect(await session.journal()).toEqual(before);
  });

  test("01 weakness 18: with clear_queue nothing starts any more", async () => {
    const { gate, session, first, others } = await busySession(3);
    await session.call("interruptSession", undefined, { clear_queue: "true" });
    gate.open();
    await session.settled(first.run_id);
    for (const run of others) expect(await session.run(run.run_id)).toMatchObject({ status: "cancelled" });
    expect(await session.events("started")).toHaveLength(1);
    const later = await session.submit("later");
    expect(await session.settled(later.run_id)).toMatchObject({ status: "completed" });
  });
});

/** How often a run started while another one was active. */
function overlaps(journal: Awaited<ReturnType<TestSession["journal"]>>): number {
  let active = 0;
  let found = 0;
  for (const { type } of journal) {
    if (type === "started" && ++active > 1) found += 1;
    if (type === "completed") active -= 1;
  }
  return found;
}
