import { isTerminal, isWaiting, RunStatus } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { SessionChange } from "./session-change.ts";
import { NOW, RUN, runRecord, sessionRecord, user } from "./testing.ts";
import {
  checkTransition,
  isTopologyIdle,
  promote,
  RUN_TRANSITIONS,
  resumeRun,
  settleRun,
  startRun,
} from "./transitions.ts";

const STATUSES = RunStatus.options;
const PAIRS = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const));

/** 01-R37, copied out by hand: the code's own table cannot be its witness. */
const ALLOWED = new Set([
  "queued running",
  "queued failed",
  "queued cancelled",
  "running waiting_for_approval",
  "running waiting_for_user_question",
  "running completed",
  "running failed",
  "running interrupted",
  "running cancelled",
  "waiting_for_approval running",
  "waiting_for_approval failed",
  "waiting_for_approval interrupted",
  "waiting_for_approval cancelled",
  "waiting_for_user_question running",
  "waiting_for_user_question completed",
  "waiting_for_user_question failed",
  "waiting_for_user_question interrupted",
  "waiting_for_user_question cancelled",
]);

function changeOf(session = sessionRecord()) {
  return new SessionChange("s", 7, NOW, { session: { id: "s", revision: 3, data: session } });
}

describe("the state machine of a run", () => {
  it.each(PAIRS)("01-R37 01-R38: %s -> %s", (from, to) => {
    const refused = checkTransition(runRecord({ status: from }), to);
    if (from === to || ALLOWED.has(`${from} ${to}`)) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject({ domain: "runs", code: "run_state_conflict", status: 409 });
  });

  it("01-R37: a state has an exit exactly when it is not terminal, and every one can be cancelled", () => {
    for (const status of STATUSES) {
      expect(RUN_TRANSITIONS[status].length === 0).toBe(isTerminal(status));
      expect(RUN_TRANSITIONS[status].includes("cancelled")).toBe(!isTerminal(status));
    }
  });

  it("01-R37: every state is reached from the first one, and each wait can go on", () => {
    const seen = new Set<RunStatus>(["queued"]);
    for (const status of seen) for (const next of RUN_TRANSITIONS[status]) seen.add(next);
    expect([...seen].sort()).toEqual([...STATUSES].sort());
    for (const status of STATUSES.filter(isWaiting)) expect(RUN_TRANSITIONS[status]).toContain("running");
  });

  it.each(STATUSES)("01-R37 01-R38: a run that is %s is moved by nothing the table does not name", (from) => {
    const kept = { id: RUN, revision: 1, data: runRecord({ status: from }) };
    const moves: Partial<Record<RunStatus, (change: SessionChange) => void>> = {
      running: (change) => resumeRun(change, kept, "approval_resume"),
      completed: (change) => settleRun(change, kept, { status: "completed" }, undefined),
      failed: (change) => settleRun(change, kept, { status: "failed", error: "broken" }, undefined),
      interrupted: (change) => settleRun(change, kept, { status: "interrupted" }, undefined),
      cancelled: (change) => settleRun(change, kept, { status: "cancelled" }, undefined),
    };
    for (const [to, move] of Object.entries(moves)) {
      const change = changeOf();
      if (from !== to && !ALLOWED.has(`${from} ${to}`)) {
        expect(() => move(change)).toThrow(expect.objectContaining({ code: "run_state_conflict" }));
      } else {
        move(change);
        expect(change.ops().length === 0, "same to same is a no-op").toBe(from === to);
      }
    }
  });

  it("01-R38: a run starts once", () => {
    const done = { data: runRecord({ status: "completed" }), revision: 1 };
    expect(() => startRun(changeOf(), done, user("again"))).toThrow("cannot become running");
  });
});

describe("a change of a session", () => {
  it("is empty until something is in it, and then has no operation too many", () => {
    const change = changeOf();
    expect(change.isEmpty).toBe(true);
    expect(change.ops()).toEqual([]);
  });

  it("puts guarded records before the journal, and the journal before wake-ups", () => {
    const change = changeOf();
    change.wake();
    change.emit("session_updated", { field: "operator" });
    change.put("binding", "b", { session_id: "s" }, 0);
    change.updateSession({ ended_reason: "over" });
    expect(change.ops().map((op) => op.op)).toEqual(["put", "put", "append", "enqueue"]);
    expect(change.isEmpty).toBe(false);
  });

  it("guards its append by the head it was built on, and its records by the revision they were read at", () => {
    const change = changeOf();
    change.emit("session_updated", { field: "operator" });
    change.updateSession({ ended_reason: "over" });
    change.put("run", RUN, runRecord(), 4);
    expect(change.ops()).toMatchObject([
      { op: "put", kind: "run", id: RUN, expectedRevision: 4 },
      { op: "put", kind: "session", id: "s", expectedRevision: 3, data: { updated_at_ms: NOW } },
      { op: "append", stream: "session/s", expectedSeq: 7 },
    ]);
  });

  it("knows the seq of an event when it is emitted, and tells its listener", () => {
    const heard: [string, number][] = [];
    const change = new SessionChange("s", 7, NOW, {
      onEvent: (event, seq) => heard.push([event.type, seq]),
    });
    expect(change.nextSeq).toBe(8);
    expect(change.emit("started", { run_id: RUN })).toBe(8);
    expect(change.emit("completed", { run_id: RUN })).toBe(9);
    expect(heard).toEqual([
      ["started", 8],
      ["completed", 9],
    ]);
  });

  it("says that the visible state changed once, at its end, and only when it did", () => {
    const change = changeOf();
    change.updateSession({ status: "running" });
    change.updateSession({ status: "waiting_for_approval", pending_approvals: 2 });
    change.emit("session_updated", { field: "operator" });
    expect(appended(change)).toMatchObject([
      { type: "session_updated" },
      {
        type: "session_state_changed",
        data: { status: "waiting_for_approval", pending_approvals: 2, pending_questions: 0 },
      },
    ]);

    const back = changeOf();
    back.updateSession({ status: "running" });
    back.updateSession({ status: "idle", queued_count: 1 });
    expect(appended(back)).toEqual([]);
  });

  it("writes the last of several puts of one record, under the guard that came with it", () => {
    const change = changeOf();
    change.put("run", RUN, runRecord({ error: "first" }), 4);
    change.put("run", RUN, runRecord({ error: "second" }), 4);
    expect(change.landed("run", RUN)).toMatchObject({ id: RUN, revision: 5, data: { error: "second" } });
    expect(change.landed("run", "run-2")).toBeUndefined();
    expect(change.ops()).toMatchObject([{ op: "put", data: { error: "second" }, expectedRevision: 4 }]);
  });

  it("leaves the record it was given as it is, and takes out what is cleared", () => {
    const session = sessionRecord({ ended_at_ms: 5, ended_reason: "over" });
    const change = changeOf(session);
    change.clearSession("ended_at_ms", "ended_reason");
    expect(session).toHaveProperty("ended_at_ms", 5);
    expect(change.session).not.toHaveProperty("ended_at_ms");
    expect(change.session).not.toHaveProperty("ended_reason");
  });

  it("refuses to revise a session it was built without", () => {
    const change = new SessionChange("s", 0, NOW);
    expect(() => change.updateSession({ status: "idle" })).toThrow("without its session record");
  });

  it("takes the session it is given first and no later one", () => {
    const change = new SessionChange("s", 0, NOW);
    change.attachSession({ id: "s", revision: 1, data: sessionRecord() });
    change.updateSession({ status: "running" });
    change.attachSession({ id: "s", revision: 2, data: sessionRecord() });
    expect(change.session.status).toBe("running");
  });
});

describe("a run in its session", () => {
  const queued = (id: string) => ({
    id,
    revision: 2,
    data: runRecord({ run_id: id, status: "queued", queued_input: user(id) }),
  });

  it("01-R44 01-R45: starts with the slot, a journaled input and a wake-up in one change", () => {
    const change = changeOf();
    startRun(change, { data: runRecord({ status: "queued" }), revision: 0 }, user("hello"));
    expect(change.session).toMatchObject({ active_run_id: RUN, status: "running" });
    const ops = change.ops();
    expect(ops).toContainEqual(expect.objectContaining({ op: "enqueue", queue: "session", key: "s" }));
    expect(appendedIn(ops).map((event) => event.type)).toEqual([
      "started",
      "input_received",
      "session_state_changed",
    ]);
    expect(ops).toContainEqual(
      expect.objectContaining({
        kind: "run",
        data: expect.objectContaining({ status: "running", started_at_ms: NOW, started_seq: 8 }),
      }),
    );
  });

  it("01-R47: a settled run frees the slot, the head of the queue takes it, and its input leaves the record", () => {
    const change = changeOf(sessionRecord({ status: "running", active_run_id: RUN, queued_count: 2 }));
    const run = { id: RUN, revision: 5, data: runRecord({ pending_approval_ids: ["a"] }) };
    settleRun(change, run, { status: "completed", answer_seq: 6, output_seqs: [6] }, queued("run-2"));
    expect(change.session).toMatchObject({
      active_run_id: "run-2",
      queued_count: 1,
      status: "running",
      last_assistant_seq: 6,
    });
    const ops = change.ops();
    expect(appendedIn(ops).map((event) => event.type)).toEqual(["completed", "started", "input_received"]);
    const [ended, next] = ["run", "run"].map(
      (kind, index) => ops.filter((op) => "kind" in op && op.kind === kind)[index],
    );
    expect(ended).toMatchObject({
      id: RUN,
      data: { status: "completed", pending_approval_ids: [], finished_seq: 8 },
    });
    expect(next).toMatchObject({
      id: "run-2",
      expectedRevision: 2,
      data: { status: "running", started_seq: 9 },
    });
    expect(next).not.toHaveProperty("data.queued_input");
  });

  it("01-R49: a settled run that held no slot leaves the session to the one that does", () => {
    const change = changeOf(sessionRecord({ status: "running", active_run_id: RUN, queued_count: 1 }));
    settleRun(change, queued("run-2"), { status: "cancelled", error: "no more" }, undefined);
    expect(change.session).toMatchObject({ active_run_id: RUN, status: "running" });
    expect(appended(change)).toMatchObject([
      { type: "cancelled", data: { run_id: "run-2", reason: "no more" } },
    ]);
  });

  it.each([
    ["completed", undefined, "completed"],
    ["failed", "it broke", "failed"],
    ["interrupted", undefined, "idle"],
    ["cancelled", "stop", "idle"],
  ] as const)(
    "01-R42: a run that ends %s (%s) says why, and leaves the session %s",
    (status, error, session) => {
      const change = changeOf(sessionRecord({ status: "running", active_run_id: RUN, last_error: "older" }));
      const run = { id: RUN, revision: 1, data: runRecord({ error: "stale" }) };
      settleRun(change, run, { status, ...(error === undefined ? {} : { error }) }, undefined);
      expect(change.session.status).toBe(session);
      expect(change.session.last_error).toBe(status === "failed" ? error : undefined);
      const written = change.ops().find((op) => "kind" in op && op.kind === "run");
      if (error === undefined) expect(written).not.toHaveProperty("data.error");
      else expect(written).toHaveProperty("data.error", error);
    },
  );

  it.each([
    ["input", "approval_resume"],
    ["scheduled_input", "scheduled_input"],
    ["scheduled_observation_materialization", "scheduled_observation_materialization"],
    ["channel_delivery", "channel_delivery"],
    ["mailbox_delivery", "approval_resume"],
  ] as const)(
    "01-R41 01-R42: a resumed run of kind %s is of kind %s, without its stale error",
    (kind, after) => {
      const change = changeOf(sessionRecord({ status: "waiting_for_approval", active_run_id: RUN }));
      const waiting = runRecord({
        kind,
        status: "waiting_for_approval",
        error: "stale",
        pending_approval_ids: ["a"],
      });
      resumeRun(change, { id: RUN, revision: 1, data: waiting }, "approval_resume");
      const written = change.ops().find((op) => "kind" in op && op.kind === "run");
      expect(written).toMatchObject({ data: { kind: after, status: "running", pending_approval_ids: [] } });
      expect(written).not.toHaveProperty("data.error");
    },
  );

  it("refuses to promote a run whose input is not there", () => {
    const broken = { id: "run-2", revision: 1, data: runRecord({ run_id: "run-2", status: "queued" }) };
    expect(() => promote(changeOf(), broken)).toThrow("'run-2' has no input");
  });

  it.each([
    [{}, true],
    [{ active_run_id: RUN }, false],
    [{ queued_count: 1 }, false],
    [{ pending_approvals: 1 }, false],
    [{ pending_questions: 1 }, false],
  ])("01-R15: %o is topology-idle: %s", (more, idle) => {
    expect(isTopologyIdle(sessionRecord(more))).toBe(idle);
  });
});

function appended(change: SessionChange) {
  return appendedIn(change.ops());
}

function appendedIn(ops: ReturnType<SessionChange["ops"]>) {
  return ops.flatMap((op) => (op.op === "append" ? op.events : []));
}
