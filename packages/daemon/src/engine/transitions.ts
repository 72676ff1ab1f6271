import { type Problem, problem, type RunStatus, type SessionStatus } from "@kheish/contract";
import type { NewEvent, Op } from "../kernel/store.ts";
import { event, type SessionEvents, type SessionEventType, sessionStream } from "./events.ts";
import {
  type GoalRecord,
  type Kept,
  put,
  type RecordKind,
  type RunRecord,
  type SessionRecord,
} from "./records.ts";

/** The state machine of a run (01-R37). Same to same is a no-op and not listed. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  queued: ["running", "failed", "cancelled"],
  running: [
    "waiting_for_approval",
    "waiting_for_user_question",
    "completed",
    "failed",
    "interrupted",
    "cancelled",
  ],
  waiting_for_approval: ["running", "failed", "interrupted", "cancelled"],
  waiting_for_user_question: ["running", "completed", "failed", "interrupted", "cancelled"],
  completed: [],
  failed: [],
  interrupted: [],
  cancelled: [],
};

/** Refuses what the table does not allow (01-R38). */
export function checkTransition(run: RunRecord, to: RunStatus): Problem | undefined {
  if (run.status === to || RUN_TRANSITIONS[run.status].includes(to)) return undefined;
  return problem(
    "runs",
    "run_state_conflict",
    `run '${run.run_id}' is ${run.status} and cannot become ${to}`,
  );
}

function requireTransition(run: RunRecord, to: RunStatus): void {
  const refused = checkTransition(run, to);
  if (refused !== undefined) throw refused;
}

/** The queue that wakes a session's executor; the key is the session id. */
export const SESSION_QUEUE = "session";
/** The queue of deadlines. */
export const TIMER_QUEUE = "timer";

/**
 * One commit in the making for one session: events, records, wake-ups.
 * Seqs are known while it is built, because the append is guarded by the head it was built on.
 */
export class SessionChange {
  readonly #events: NewEvent[] = [];
  readonly #puts = new Map<string, Op>();
  readonly #ops: Op[] = [];
  readonly #sessionId: string;
  readonly #headSeq: number;
  readonly now: number;
  #session: { before: Kept<"session">; after: SessionRecord } | undefined;
  #goal: { before: Kept<"goal"> | undefined; after: GoalRecord | undefined } | undefined;
  #onEvent: ((event: NewEvent, seq: number) => void) | undefined;

  constructor(
    sessionId: string,
    headSeq: number,
    now: number,
    options: { session?: Kept<"session">; onEvent?: (event: NewEvent, seq: number) => void } = {},
  ) {
    this.#sessionId = sessionId;
    this.#headSeq = headSeq;
    this.now = now;
    if (options.session !== undefined) {
      this.#session = { before: options.session, after: { ...options.session.data } };
    }
    this.#onEvent = options.onEvent;
  }

  get nextSeq(): number {
    return this.#headSeq + this.#events.length + 1;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#puts.size === 0 && this.#ops.length === 0;
  }

  /** Lets the change revise the session too; read when a transition turns out to need it. */
  attachSession(session: Kept<"session">): void {
    this.#session ??= { before: session, after: { ...session.data } };
  }

  /** Whether this change writes the record, which then needs no guard of its own. */
  puts(kind: RecordKind, id: string): boolean {
    return this.#puts.has(`${kind}/${id}`);
  }

  /** The session as this change leaves it. */
  get session(): SessionRecord {
    if (this.#session === undefined) throw new Error("this change was built without its session record");
    return this.#session.after;
  }

  /** Adds an event; answers the seq it will have. */
  emit<T extends SessionEventType>(type: T, data: SessionEvents[T]): number {
    const seq = this.nextSeq;
    const added = event(type, data, this.now);
    this.#events.push(added);
    this.#onEvent?.(added, seq);
    return seq;
  }

  updateSession(changes: Partial<SessionRecord>): void {
    Object.assign(this.session, changes, { updated_at_ms: this.now });
  }

  /** Removes optional members; `undefined` is not a JSON value. */
  clearSession(...names: (keyof SessionRecord)[]): void {
    for (const name of names) delete (this.session as unknown as Record<string, unknown>)[name];
    this.session.updated_at_ms = this.now;
  }

  /** The session's goal as it was read. What changes it also writes to the journal, whose guard protects the reading. */
  attachGoal(goal: Kept<"goal"> | undefined): void {
    this.#goal ??= { before: goal, after: goal?.data };
  }

  get knowsGoal(): boolean {
    return this.#goal !== undefined;
  }

  /** The goal as this change leaves it. */
  get goal(): GoalRecord | undefined {
    return this.#goal?.after;
  }

  /** Undefined removes it. */
  keepGoal(goal: GoalRecord | undefined): void {
    if (this.#goal === undefined) throw new Error("this change was built without its session's goal");
    this.#goal.after = goal;
  }

  /** The goal's record once this change has landed. */
  get goalLanded(): Kept<"goal"> | undefined {
    const { before, after } = this.#goal ?? {};
    if (after === undefined) return undefined;
    if (after === before?.data) return before;
    return { id: this.#sessionId, revision: (before?.revision ?? 0) + 1, data: after };
  }

  #goalOps(): Op[] {
    const { before, after } = this.#goal ?? {};
    if (after === before?.data) return [];
    const expectedRevision = before?.revision ?? 0;
    if (after !== undefined) return [put("goal", this.#sessionId, after, expectedRevision)];
    return [{ op: "delete", kind: "goal", id: this.#sessionId, expectedRevision }];
  }

  put<K extends RecordKind>(kind: K, id: string, data: Kept<K>["data"], expectedRevision: number): void {
    this.#puts.set(`${kind}/${id}`, put(kind, id, data, expectedRevision));
  }

  add(...ops: Op[]): void {
    this.#ops.push(...ops);
  }

  /** Somebody has to look at this session now. */
  wake(): void {
    this.add({ op: "enqueue", queue: SESSION_QUEUE, key: this.#sessionId, dueAtMs: this.now, payload: null });
  }

  /** Wakes the timer queue at `atMs`; the key makes it unique and is what its handler acts on. */
  remind(key: string, atMs: number): void {
    this.add({ op: "enqueue", queue: TIMER_QUEUE, key, dueAtMs: atMs, payload: null });
  }

  /** All operations, guards first. A session whose visible state changed says so in the journal. */
  ops(): Op[] {
    const ops: Op[] = [];
    if (this.#session !== undefined) {
      const { before, after } = this.#session;
      if (stateOf(before.data) !== stateOf(after)) {
        this.emit("session_state_changed", {
          status: after.status,
          pending_approvals: after.pending_approvals,
          pending_questions: after.pending_questions,
        });
      }
      if (JSON.stringify(before.data) !== JSON.stringify(after)) {
        ops.push(put("session", before.id, after, before.revision));
      }
    }
    ops.push(...this.#puts.values(), ...this.#goalOps());
    if (this.#events.length > 0) {
      ops.push({
        op: "append",
        stream: sessionStream(this.#sessionId),
        events: this.#events,
        expectedSeq: this.#headSeq,
      });
    }
    ops.push(...this.#ops);
    return ops;
  }
}

function stateOf(session: SessionRecord): string {
  return `${session.status}/${session.pending_approvals}/${session.pending_questions}`;
}

/** Gives the session's slot to a run: new or from the head of the queue (01-R44, 01-R47). */
export function startRun(
  change: SessionChange,
  run: { data: RunRecord; revision: number },
  input: NonNullable<RunRecord["queued_input"]>,
): void {
  requireTransition(run.data, "running");
  const { queued_input: _moved, ...rest } = run.data;
  const startedSeq = change.emit("started", { run_id: rest.run_id });
  change.emit("input_received", { run_id: rest.run_id, message: input });
  change.put(
    "run",
    rest.run_id,
    {
      ...rest,
      status: "running",
      started_at_ms: change.now,
      updated_at_ms: change.now,
      started_seq: startedSeq,
    },
    run.revision,
  );
  change.updateSession({ active_run_id: rest.run_id, status: "running" });
  change.wake();
}

/** A new run starts at once when the session is free, else it joins the end of the queue (01-R44, 01-R45). */
export function acceptRun(
  change: SessionChange,
  run: RunRecord,
  input: NonNullable<RunRecord["queued_input"]>,
): void {
  const { ended_at_ms: endedAt, active_run_id: activeRunId, queued_count: queued } = change.session;
  if (endedAt !== undefined) {
    change.clearSession("ended_at_ms", "ended_reason");
    change.emit("session_reopened", {});
  }
  const accepted = { ...run, accepted_seq: change.emit("accepted", { run_id: run.run_id, kind: run.kind }) };
  if (activeRunId === undefined && queued === 0) {
    startRun(change, { data: accepted, revision: 0 }, input);
    return;
  }
  const position = queued + 1;
  change.emit("queued", { run_id: run.run_id, position });
  change.put("run", run.run_id, { ...accepted, queued_input: input }, 0);
  change.updateSession({ queued_count: position });
}

/** Takes a promoted run out of the session's queue and starts it. */
export function promote(change: SessionChange, next: Kept<"run">): void {
  const input = next.data.queued_input;
  if (input === undefined) throw new Error(`queued run '${next.id}' has no input`);
  change.updateSession({ queued_count: change.session.queued_count - 1 });
  startRun(change, next, input);
}

export interface Settlement {
  status: "completed" | "failed" | "interrupted" | "cancelled";
  error?: string;
  usage?: RunRecord["usage"];
  output_seqs?: number[];
  answer_seq?: number;
}

/**
 * Ends the active run: terminal event, record, freed slot, promoted head of the queue (01-R47).
 * Pending requests of the run are closed by the caller in the same change.
 */
export function settleRun(
  change: SessionChange,
  run: Kept<"run">,
  settlement: Settlement,
  next: Kept<"run"> | undefined,
): void {
  requireTransition(run.data, settlement.status);
  if (run.data.status === settlement.status) return;
  const { error: _stale, ...data } = run.data;
  const finishedSeq = emitTerminal(change, data.run_id, settlement);
  change.put(
    "run",
    run.id,
    {
      ...data,
      status: settlement.status,
      finished_at_ms: change.now,
      updated_at_ms: change.now,
      finished_seq: finishedSeq,
      pending_approval_ids: [],
      pending_question_ids: [],
      usage: settlement.usage ?? data.usage,
      output_seqs: settlement.output_seqs ?? data.output_seqs,
      ...(settlement.error === undefined ? {} : { error: settlement.error }),
    },
    run.revision,
  );
  if (change.session.active_run_id !== run.id) return;
  freeSlot(change, settlement);
  if (next !== undefined) promote(change, next);
}

function emitTerminal(change: SessionChange, runId: string, settlement: Settlement): number {
  if (settlement.status === "completed") return change.emit("completed", { run_id: runId });
  if (settlement.status === "failed") {
    return change.emit("failed", { run_id: runId, error: settlement.error ?? "failed" });
  }
  return change.emit(settlement.status, {
    run_id: runId,
    ...(settlement.error === undefined ? {} : { reason: settlement.error }),
  });
}

const settledSessionStatus: Record<Settlement["status"], SessionStatus> = {
  completed: "completed",
  failed: "failed",
  interrupted: "idle",
  cancelled: "idle",
};

function freeSlot(change: SessionChange, settlement: Settlement): void {
  change.clearSession("active_run_id", "last_error");
  change.updateSession({
    status: settledSessionStatus[settlement.status],
    pending_approvals: 0,
    pending_questions: 0,
    settled_at_ms: change.now,
    ...(settlement.answer_seq === undefined ? {} : { last_assistant_seq: settlement.answer_seq }),
    ...(settlement.status === "failed" ? { last_error: settlement.error ?? "failed" } : {}),
  });
}

/** The run's wait is over and the executor may go on (01-R41). Scheduled kinds keep theirs. */
export function resumeRun(
  change: SessionChange,
  run: Kept<"run">,
  how: "approval_resume" | "user_question_resume",
): void {
  requireTransition(run.data, "running");
  if (run.data.status === "running") return;
  const { error: _cleared, ...data } = run.data;
  const keepsKind = data.kind.startsWith("scheduled_") || data.kind === "channel_delivery";
  change.put(
    "run",
    run.id,
    {
      ...data,
      kind: keepsKind ? data.kind : how,
      status: "running",
      updated_at_ms: change.now,
      pending_approval_ids: [],
      pending_question_ids: [],
    },
    run.revision,
  );
  change.updateSession({ status: "running", pending_approvals: 0, pending_questions: 0 });
  change.wake();
}

/** A session nobody works in and nobody waits in (01-R15). */
export function isTopologyIdle(session: SessionRecord): boolean {
  return (
    session.active_run_id === undefined &&
    session.queued_count === 0 &&
    session.pending_approvals === 0 &&
    session.pending_questions === 0
  );
}
