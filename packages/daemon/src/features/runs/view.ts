import {
  type ApprovalRequest,
  type DaemonOutputRecord,
  isWaiting,
  type Json,
  type RunEvent,
  type RunEventEntry,
  type RunStatus,
  type RunView,
  type StructuredOutput,
  type UserQuestionRequest,
} from "@kheish/contract";
import {
  answerText,
  conformedAnswer,
  eventAt,
  type Kept,
  pendingApprovals,
  pendingQuestions,
  type RecordedEvent,
  type RunRecord,
  readMany,
  type SessionEvents,
  withInputs,
} from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";

/** What is not in the record itself. */
export interface RunExtras {
  queuedPosition?: number;
  approvals: ApprovalRequest[];
  questions: UserQuestionRequest[];
  outputs: DaemonOutputRecord[];
}

/** A run as clients read it (01, RunView). */
export function runView(run: RunRecord, extras: RunExtras): RunView {
  return {
    run_id: run.run_id,
    session_id: run.session_id,
    agent_id: run.agent_id,
    kind: run.kind,
    status: run.status,
    submitted_at_ms: run.submitted_at_ms,
    updated_at_ms: run.updated_at_ms,
    ...(run.started_at_ms === undefined ? {} : { started_at_ms: run.started_at_ms }),
    ...(run.finished_at_ms === undefined ? {} : { finished_at_ms: run.finished_at_ms }),
    ...(extras.queuedPosition === undefined ? {} : { queued_position: extras.queuedPosition }),
    request: run.request,
    ...(run.input_attachments === undefined ? {} : { input_attachments: run.input_attachments }),
    ...(run.input_metadata === undefined ? {} : { input_metadata: run.input_metadata }),
    ...(extras.approvals.length === 0
      ? {}
      : { pending_approval_ids: extras.approvals.map((one) => one.id), pending_approvals: extras.approvals }),
    ...(extras.questions.length === 0
      ? {}
      : { pending_question_ids: extras.questions.map((one) => one.id), pending_questions: extras.questions }),
    ...(extras.outputs.length === 0 ? {} : { outputs: extras.outputs }),
    ...(run.error === undefined ? {} : { error: run.error }),
    usage: run.usage,
  };
}

/** The run as it is now. */
export async function currentRunView(store: Store, run: Kept<"run">): Promise<RunView> {
  const { data } = run;
  const position = data.status === "queued" ? await queuedPosition(store, data) : undefined;
  return runView(data, {
    ...(position === undefined ? {} : { queuedPosition: position }),
    approvals: await approvalsOf(store, data),
    questions: (await pendingQuestions(store, data)).map((question) => question.data.request),
    outputs: await outputsOf(store, data, data.output_seqs),
  });
}

/** Place in the session's queue, counted from 1: derived, so a shift writes nothing. None for a run that has just left. */
async function queuedPosition(store: Store, run: RunRecord): Promise<number | undefined> {
  const queue = { index: "queue", prefix: [run.session_id] };
  // Whoever is still the last when the queue has been counted was the last of those: a new run reads no other.
  const count = await store.count("run", queue);
  const [last] = await store.list("run", { ...queue, limit: 1, reverse: true });
  if (last?.id === run.run_id) return count;
  const queued = await store.list("run", { ...queue, limit: 10_000 });
  const place = queued.findIndex((other) => other.id === run.run_id);
  return place === -1 ? undefined : place + 1;
}

export async function approvalsOf(store: Store, run: RunRecord): Promise<ApprovalRequest[]> {
  return requestsOf(store, run, await pendingApprovals(store, run));
}

async function requestsOf(
  store: Store,
  run: RunRecord,
  approvals: readonly Kept<"approval">[],
): Promise<ApprovalRequest[]> {
  const [first] = approvals;
  if (first === undefined) return [];
  return withInputs(
    store,
    run.session_id,
    first.data.message_seq,
    approvals.map((approval) => approval.data.request),
  );
}

export async function outputsOf(
  store: Store,
  run: RunRecord,
  seqs: readonly number[],
): Promise<DaemonOutputRecord[]> {
  return Promise.all(
    seqs.map(async (seq) => outputRecord(store, run, await eventAt(store, run.session_id, seq))),
  );
}

export async function outputRecord(
  store: Store,
  run: Pick<RunRecord, "session_id" | "run_id">,
  event: RecordedEvent,
): Promise<DaemonOutputRecord> {
  if (event.type !== "output") throw new Error(`event ${event.seq} of '${run.session_id}' is no output`);
  const { data } = event;
  const content = await outputContent(store, run.session_id, data);
  return {
    session_id: run.session_id,
    run_id: data.run_id,
    content,
    parts: [{ type: "text", text: content }],
    source_kind: data.source_kind,
    ...(data.conformed_seq === undefined ? {} : { metadata: structuredOutput(content) }),
    ...(data.plugin === undefined ? {} : { plugin: data.plugin }),
    address: data.address,
  };
}

async function outputContent(
  store: Store,
  sessionId: string,
  output: SessionEvents["output"],
): Promise<string> {
  if (output.conformed_seq !== undefined) return conformedAnswer(store, sessionId, output.conformed_seq);
  if (output.message_seq !== undefined) return answerText(store, sessionId, output.message_seq);
  return output.content ?? "";
}

function structuredOutput(content: string): StructuredOutput {
  return { output_kind: "structured_output", structured_output: JSON.parse(content) as Json };
}

const statusAfter: Partial<Record<RecordedEvent["type"], RunStatus>> = {
  accepted: "queued",
  queued: "queued",
  started: "running",
  waiting_for_approval: "waiting_for_approval",
  waiting_for_user_question: "waiting_for_user_question",
  user_question_resolved: "running",
  completed: "completed",
  failed: "failed",
  interrupted: "interrupted",
  cancelled: "cancelled",
};

/** True for the events that move a run; each is one `run_updated` frame. */
export function movesRun(event: RecordedEvent): boolean {
  return statusOf(event) !== undefined;
}

function statusOf(event: RecordedEvent): RunStatus | undefined {
  if (event.type !== "approval_resolved") return statusAfter[event.type];
  return event.data.pending.length > 0 ? "waiting_for_approval" : "running";
}

/**
 * The run as it was right after one of its events: what a stream shows, live or replayed after a restart.
 * Derived from the event, so that a replay never shows a future state.
 */
export async function runViewAt(store: Store, run: RunRecord, event: RecordedEvent): Promise<RunView> {
  const status = statusOf(event);
  if (status === undefined) throw new Error(`event '${event.type}' moves no run`);
  const { error: _later, finished_at_ms: finishedAt, started_at_ms: startedAt, ...rest } = run;
  const started = run.started_seq !== undefined && run.started_seq <= event.seq && startedAt !== undefined;
  const finished =
    run.finished_seq !== undefined && run.finished_seq <= event.seq && finishedAt !== undefined;
  const at: RunRecord = {
    ...rest,
    status,
    updated_at_ms: event.atMs,
    ...(started ? { started_at_ms: startedAt } : {}),
    ...(finished ? { finished_at_ms: finishedAt } : {}),
    ...(finished && run.error !== undefined ? { error: run.error } : {}),
  };
  const waits = isWaiting(status) ? await waitsAt(store, run, event) : { approvals: [], questions: [] };
  return runView(at, {
    ...waits,
    ...(event.type === "queued" ? { queuedPosition: event.data.position } : {}),
    outputs: await outputsOf(
      store,
      run,
      run.output_seqs.filter((seq) => seq <= event.seq),
    ),
  });
}

async function waitsAt(
  store: Store,
  run: RunRecord,
  event: RecordedEvent,
): Promise<Pick<RunExtras, "approvals" | "questions">> {
  switch (event.type) {
    case "waiting_for_approval":
      return {
        approvals: await withInputs(store, run.session_id, event.data.message_seq, event.data.requests),
        questions: [],
      };
    case "waiting_for_user_question":
      return { approvals: [], questions: [event.data.request] };
    case "approval_resolved": {
      const { pending } = event.data;
      const found = await readMany(store, "approval", pending);
      // Open then, whatever was decided about them since.
      const open = pending.flatMap((id) => found.find((approval) => approval.id === id) ?? []);
      return { approvals: await requestsOf(store, run, open), questions: [] };
    }
    default:
      return { approvals: [], questions: [] };
  }
}

/** One line of the run event log; undefined for what belongs to the conversation. */
export async function runEventEntry(
  store: Store,
  run: Pick<RunRecord, "run_id" | "session_id" | "agent_id">,
  event: RecordedEvent,
): Promise<RunEventEntry | undefined> {
  const shown = await runEvent(store, run, event);
  if (shown === undefined) return undefined;
  return {
    timestamp_ms: event.atMs,
    run_id: run.run_id,
    session_id: run.session_id,
    agent_id: run.agent_id,
    seq: event.seq,
    event: shown,
  };
}

async function runEvent(
  store: Store,
  run: Pick<RunRecord, "run_id" | "session_id">,
  event: RecordedEvent,
): Promise<RunEvent | undefined> {
  switch (event.type) {
    case "accepted":
    case "started":
    case "completed":
      return { type: event.type };
    case "queued":
      return { type: "queued", position: event.data.position };
    case "resumed":
      return { type: "resumed", attempt: event.data.attempt };
    case "waiting_for_approval": {
      const requests = await withInputs(store, run.session_id, event.data.message_seq, event.data.requests);
      return { type: "waiting_for_approval", request_ids: requests.map((one) => one.id), requests };
    }
    case "approval_resolved":
      return { type: "approval_resolved", resolutions: event.data.resolutions };
    case "waiting_for_user_question":
      return {
        type: "waiting_for_user_question",
        request_ids: [event.data.request.id],
        requests: [event.data.request],
      };
    case "user_question_resolved":
      return { type: "user_question_resolved", resolution: event.data.resolution };
    case "output":
      return { type: "output", output: await outputRecord(store, run, event) };
    case "failed":
      return { type: "failed", error: event.data.error };
    case "interrupted":
    case "cancelled":
      return { type: event.type, ...(event.data.reason === undefined ? {} : { reason: event.data.reason }) };
    default:
      return undefined;
  }
}
