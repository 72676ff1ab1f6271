import { type Problem, problem, type RunStatus, type SessionStatus } from "@kheish/contract";
import type { Kept, RunRecord, SessionRecord } from "./records.ts";
import type { SessionChange } from "./session-change.ts";

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
  error_code?: string;
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
      ...(settlement.error_code === undefined ? {} : { error_code: settlement.error_code }),
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
    return change.emit("failed", {
      run_id: runId,
      error: settlement.error ?? "failed",
      ...(settlement.error_code === undefined ? {} : { code: settlement.error_code }),
    });
  }
  return change.emit(settlement.status, {
    run_id: runId,
    ...(settlement.error === undefined ? {} : { reason: settlement.error }),
    ...(change.by === undefined ? {} : { by: change.by }),
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
