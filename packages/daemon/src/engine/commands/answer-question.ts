import {
  type CancelQuestionRequest,
  type Json,
  problem,
  type ResolveQuestionRequest,
  type UserQuestionRequest,
  type UserQuestionResolution,
} from "@kheish/contract";
import type { UnknownEffect } from "../events.ts";
import { auditAnswer, auditStop } from "../external-actions.ts";
import { announce } from "../hooks/announce.ts";
import { digest } from "../ledger.ts";
import { type Kept, questionRecordId, type RunRecord, read } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { resumeRun } from "../transitions.ts";
import { UNKNOWN_EFFECT_OPTIONS } from "../unknown-effect.ts";
import { endRun } from "./end-run.ts";
import { earlier, idempotencyKeyOf, receiptOf, remember } from "./idempotency.ts";
import type { TooEarly } from "./too-early.ts";
import { type CommandDeps, requireActive, requireRun, transact } from "./transact.ts";

/** Answers (or declines) the question a run waits for; answered at most once, as approvals are (01-A1). */
export async function answerQuestion(
  deps: CommandDeps,
  runId: string,
  request: ResolveQuestionRequest,
  caller: { principal: string; headerKey?: string },
): Promise<void> {
  const key = idempotencyKeyOf(caller.headerKey, request.idempotency_key);
  const { resolution } = request;
  const { session_id: sessionId } = (await requireRun(deps.store, runId)).data;
  const receipt =
    key === undefined
      ? undefined
      : receiptOf({ space: "question", scope: runId, key, request: { resolution } });
  await transact(deps, sessionId, async (change, session) => {
    if ((await earlier(deps.store, receipt)) !== undefined) return;
    const run = await requireRun(deps.store, runId);
    const question = await read(deps.store, "question", questionRecordId(runId, resolution.request_id));
    // Nobody answered what a run took with it when it ended: the run's state refuses.
    const answered = question?.data.answer !== undefined && question.data.answer.cause !== "run_ended";
    if (answered) return refuseOtherAnswer(question, resolution);
    requireWaiting(session, run.data);
    if (question === undefined) throw mismatch(runId, resolution.request_id);
    refuseLate(question, change.now);
    const wrong = deps.questions.check(question.data.request, resolution);
    if (wrong !== undefined) throw wrong;
    applyAnswer(deps, change, run, question, resolution, caller.principal);
    remember(change, receipt, { run_id: runId });
  });
}

function mismatch(runId: string, requestId: string) {
  return problem(
    "questions",
    "question_request_mismatch",
    `run '${runId}' does not wait for question '${requestId}'`,
  );
}

function answerDigest(resolution: UserQuestionResolution): string {
  return digest([resolution.declined, JSON.parse(JSON.stringify(resolution.answers)) as Json]);
}

function refuseOtherAnswer(question: Kept<"question">, resolution: UserQuestionResolution): void {
  const { answer } = question.data;
  if (answer?.digest === answerDigest(resolution)) return;
  if (answer?.cause === "timeout") throw expired(question);
  throw problem(
    "questions",
    "question_resolution_conflict",
    `question '${resolution.request_id}' was already ${answer?.cause === "answer" ? "answered differently" : "closed"}`,
  );
}

function expired(question: Kept<"question">) {
  const { id, expires_at_ms: deadline } = question.data.request;
  const at = deadline === undefined ? "" : ` at ${new Date(deadline).toISOString()}`;
  return problem("questions", "question_expired", `question '${id}' expired${at}`);
}

function requireWaiting(session: Kept<"session">, run: RunRecord): void {
  requireActive(session, run);
  if (run.status !== "waiting_for_user_question") {
    throw problem(
      "questions",
      "question_state_conflict",
      `run '${run.run_id}' is ${run.status}, not waiting for an answer`,
    );
  }
}

/** The deadline holds even when the timer that enforces it is late. */
function refuseLate(question: Kept<"question">, now: number): void {
  const { expires_at_ms: deadline } = question.data.request;
  if (deadline !== undefined && deadline <= now) throw expired(question);
}

/** The answer is kept, the call that asked goes on with it, and so does the run. */
function applyAnswer(
  deps: CommandDeps,
  change: SessionChange,
  run: Kept<"run">,
  question: Kept<"question">,
  resolution: UserQuestionResolution,
  principal: string,
): void {
  const { request, about, resume } = question.data;
  keepAnswer(change, run, question, resolution, principal);
  // A call that goes on with the answer stays open; the executor dispatches it again.
  if (resume === undefined) {
    if (about === undefined) settleAsking(deps, change, run, request, resolution);
    else settleUnknown(change, run, about, resolution);
  }
  resumeRun(change, run, "user_question_resume");
}

function keepAnswer(
  change: SessionChange,
  run: Kept<"run">,
  question: Kept<"question">,
  resolution: UserQuestionResolution,
  principal: string,
): void {
  const { declined } = resolution;
  const given = answerDigest(resolution);
  change.emit("user_question_resolved", { run_id: run.id, resolution, decided_by: principal });
  auditAnswer(change, run.data, {
    tool_call_id: question.data.request.tool_call_id,
    digest: given,
    by: principal,
    outcome: declined ? "declined" : "answered",
  });
  const answer = {
    digest: given,
    declined,
    decided_by: principal,
    decided_at_ms: change.now,
    cause: "answer" as const,
  };
  change.put("question", question.id, { ...question.data, answer }, question.revision);
}

/** The answer is the result of the call that asked. */
function settleAsking(
  { hooks, questions }: CommandDeps,
  change: SessionChange,
  run: Kept<"run">,
  request: UserQuestionRequest,
  resolution: UserQuestionResolution,
): void {
  const { id, tool_call_id } = request;
  announce(hooks, change, change.session, "elicitation_result", {
    runId: run.id,
    subject: "ask_user_question",
    place: ["elicitation_result", id],
    payload: { tool_call_id, resolution },
  });
  change.emit("tool_call_finished", {
    run_id: run.id,
    call_id: tool_call_id,
    result: {
      call_id: tool_call_id,
      tool_name: "ask_user_question",
      output: questions.render(request, resolution),
      is_error: false,
    },
    ledger: "settled",
  });
}

/** What somebody knows of a call whose outcome was lost. */
function settleUnknown(
  change: SessionChange,
  run: Kept<"run">,
  { unknown_call_id: call_id, tool_name }: UnknownEffect,
  resolution: UserQuestionResolution,
): void {
  // "Run again" leaves the call open; the executor dispatches its next attempt.
  if (chose(resolution, UNKNOWN_EFFECT_OPTIONS.runAgain)) return;
  const happened = chose(resolution, UNKNOWN_EFFECT_OPTIONS.happened);
  change.emit("tool_call_finished", {
    run_id: run.id,
    call_id,
    result: { call_id, tool_name, output: reconciledOutput(resolution), is_error: !happened },
    ledger: happened ? "reconciled" : "unknown",
  });
}

function chose(resolution: UserQuestionResolution, optionId: string): boolean {
  return resolution.answers.some((answer) => answer.selected_option_ids.includes(optionId));
}

function reconciledOutput(resolution: UserQuestionResolution): Json {
  const note = resolution.answers.find((answer) => answer.freeform_answer !== undefined)?.freeform_answer;
  const happened = chose(resolution, UNKNOWN_EFFECT_OPTIONS.happened);
  return {
    ...(happened ? {} : { error: "interrupted, outcome unknown" }),
    interrupted: true,
    outcome: happened ? "confirmed_by_operator" : "unknown",
    ...(note === undefined ? {} : { operator_note: note }),
  };
}

/** Gives up on the question, and with it on the run (03, questions cancel). */
export async function cancelQuestion(
  deps: CommandDeps,
  runId: string,
  requestId: string,
  request: CancelQuestionRequest,
  caller: { principal: string; headerKey?: string },
): Promise<void> {
  const key = idempotencyKeyOf(caller.headerKey, request.idempotency_key);
  const { session_id: sessionId } = (await requireRun(deps.store, runId)).data;
  const fingerprint = { request_id: requestId, justification: request.justification ?? null };
  const receipt =
    key === undefined
      ? undefined
      : receiptOf({ space: "question_cancel", scope: runId, key, request: fingerprint });
  const ended = await transact(deps, sessionId, async (change, session) => {
    if ((await earlier(deps.store, receipt)) !== undefined) return false;
    const run = await requireRun(deps.store, runId);
    requireWaiting(session, run.data);
    if (!run.data.pending_question_ids.includes(requestId)) throw mismatch(runId, requestId);
    const why = request.justification === undefined ? "" : `: ${request.justification}`;
    change.by = caller.principal;
    auditStop(change, run.data, { by: caller.principal, outcome: "cancelled" });
    await endRun(deps, change, session, run, "cancelled", `question '${requestId}' was cancelled${why}`);
    remember(change, receipt, { run_id: runId });
    return true;
  });
  if (ended) deps.abortRun(runId, "cancelled");
}

/** A question nobody answered in time cancels the run that waits for it (01-R94, 03-R40). */
export async function expireQuestion(
  deps: CommandDeps,
  runId: string,
  requestId: string,
): Promise<TooEarly | undefined> {
  const known = await read(deps.store, "run", runId);
  if (known === undefined) return undefined;
  const end = await transact(deps, known.data.session_id, async (change, session) => {
    const question = await read(deps.store, "question", questionRecordId(runId, requestId));
    const deadline = question?.data.request.expires_at_ms;
    if (question === undefined || question.data.answer !== undefined) return undefined;
    if (deadline === undefined) return undefined;
    if (deadline > change.now) return { dueAtMs: deadline };
    const run = await requireRun(deps.store, runId);
    const reason = `question '${requestId}' was not answered before ${new Date(deadline).toISOString()}`;
    await endRun(deps, change, session, run, "cancelled", reason);
    const answer = {
      digest: "",
      declined: true,
      decided_by: "daemon",
      decided_at_ms: change.now,
      cause: "timeout" as const,
    };
    change.put("question", question.id, { ...question.data, answer }, question.revision);
    return "cancelled";
  });
  if (end !== "cancelled") return end;
  deps.abortRun(runId, "cancelled");
  return undefined;
}
