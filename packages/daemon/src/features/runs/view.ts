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
  eventsAt,
  type Kept,
  pendingApprovals,
  pendingQuestions,
  type RecordedEvent,
  type RunRecord,
  readMany,
  type SessionEvents,
  type Submitted,
  textOfEvent,
  withInputs,
} from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import { fallbackView, routeView } from "./route-view.ts";

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
    principal: run.principal,
    ...routeView(run),
    ...(run.sandbox === undefined ? {} : { sandbox: run.sandbox }),
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
    ...(run.error_code === undefined ? {} : { error_code: run.error_code }),
    usage: run.usage,
  };
}

/** A run that was just accepted: nothing has happened to it that would have to be looked up. */
export function acceptedRunView({ run, queuedPosition }: NonNullable<Submitted["accepted"]>): RunView {
  return runView(run.data, {
    ...(queuedPosition === undefined ? {} : { queuedPosition }),
    approvals: [],
    questions: [],
    outputs: [],
  });
}

/** The run as it is now. */
export async function currentRunView(store: Store, run: Kept<"run">): Promise<RunView> {
  const { data } = run;
  const position = data.status === "queued" ? await queuedPosition(store, data) : undefined;
  return runView(data, {
    ...(position === undefined ? {} : { queuedPosition: position }),
    approvals: await approvalsOf(store, data),
    questions: (await pendingQuestions(store, data)).map((question) => question.data.request),
    outputs: await outputsOf(store, data.session_id, data.output_seqs),
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

/** What runs of one session said, by the seqs of their outputs, in that order. */
export async function outputsOf(
  store: Store,
  sessionId: string,
  seqs: readonly number[],
): Promise<DaemonOutputRecord[]> {
  const events = await eventsAt(store, sessionId, seqs);
  return outputRecords(
    store,
    sessionId,
    seqs.flatMap((seq) => events.get(seq) ?? []),
  );
}

/** The output that an event is. */
export async function outputRecord(
  store: Store,
  sessionId: string,
  event: RecordedEvent,
): Promise<DaemonOutputRecord> {
  const [record] = await outputRecords(store, sessionId, [event]);
  if (record === undefined) throw new Error(`event ${event.seq} of '${sessionId}' is no output`);
  return record;
}

async function outputRecords(
  store: Store,
  sessionId: string,
  events: readonly RecordedEvent[],
): Promise<DaemonOutputRecord[]> {
  const outputs = events.map((event) => {
    if (event.type !== "output") throw new Error(`event ${event.seq} of '${sessionId}' is no output`);
    return event.data;
  });
  const texts = await eventsAt(store, sessionId, outputs.flatMap(textSeqOf));
  return outputs.map((output) => {
    const [seq] = textSeqOf(output);
    const content = seq === undefined ? (output.content ?? "") : textOfEvent(texts.get(seq));
    return {
      session_id: sessionId,
      run_id: output.run_id,
      content,
      parts: [{ type: "text", text: content }],
      source_kind: output.source_kind,
      ...(output.conformed_seq === undefined ? {} : { metadata: structuredOutput(content) }),
      ...(output.plugin === undefined ? {} : { plugin: output.plugin }),
      address: output.address,
    };
  });
}

/** Where an output's text stands, when it is not its own. */
function textSeqOf({ conformed_seq: conformed, message_seq: answer }: SessionEvents["output"]): number[] {
  const seq = conformed ?? answer;
  return seq === undefined ? [] : [seq];
}

function structuredOutput(content: string): StructuredOutput {
  return { output_kind: "structured_output", structured_output: JSON.parse(content) as Json };
}

const statusAfter: Partial<Record<RecordedEvent["type"], RunStatus>> = {
  accepted: "queued",
  queued: "queued",
  started: "running",
  waiting_for_approval: "waiting_for_approval",
  approval_voted: "waiting_for_approval",
  approval_escalated: "waiting_for_approval",
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
  const {
    error: _later,
    error_code: _too,
    finished_at_ms: finishedAt,
    started_at_ms: startedAt,
    sandbox,
    ...rest
  } = run;
  const started = run.started_seq !== undefined && run.started_seq <= event.seq && startedAt !== undefined;
  const finished =
    run.finished_seq !== undefined && run.finished_seq <= event.seq && finishedAt !== undefined;
  const fallbacks = run.fallbacks?.filter((taken) => taken.seq <= event.seq) ?? [];
  const at: RunRecord = {
    ...rest,
    fallbacks,
    status,
    updated_at_ms: event.atMs,
    ...(started ? { started_at_ms: startedAt } : {}),
    ...(finished ? { finished_at_ms: finishedAt } : {}),
    // What it was in is known when it is over; until then a call may still be made outside.
    ...(finished && sandbox !== undefined ? { sandbox } : {}),
    ...(finished && run.error !== undefined ? { error: run.error } : {}),
    ...(finished && run.error_code !== undefined ? { error_code: run.error_code } : {}),
  };
  const waits = isWaiting(status) ? await waitsAt(store, run, event) : { approvals: [], questions: [] };
  return runView(at, {
    ...waits,
    ...(event.type === "queued" ? { queuedPosition: event.data.position } : {}),
    outputs: await outputsOf(
      store,
      run.session_id,
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
    case "approval_voted":
    case "approval_escalated":
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
  run: Pick<RunRecord, "run_id" | "session_id" | "agent_id" | "fallbacks">,
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

/** Of failed calls, the log of a run tells those that moved it to another model. */
function fallbackEvent(
  run: Pick<RunRecord, "fallbacks">,
  { seq }: Pick<RecordedEvent, "seq">,
): RunEvent | undefined {
  const taken = run.fallbacks?.find((one) => one.seq === seq);
  return taken && { type: "fallback", ...fallbackView(taken) };
}

async function runEvent(
  store: Store,
  run: Pick<RunRecord, "run_id" | "session_id" | "fallbacks">,
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
    case "model_call_failed":
      return fallbackEvent(run, event);
    case "waiting_for_approval": {
      const requests = await withInputs(store, run.session_id, event.data.message_seq, event.data.requests);
      return { type: "waiting_for_approval", request_ids: requests.map((one) => one.id), requests };
    }
    case "approval_voted":
    case "approval_escalated": {
      const { run_id: _run, pending: _all, ...said } = event.data;
      return { type: event.type, ...said } as RunEvent;
    }
    case "approval_resolved":
      return {
        type: "approval_resolved",
        resolutions: event.data.resolutions,
        decided_by: event.data.decided_by,
      };
    case "waiting_for_user_question":
      return {
        type: "waiting_for_user_question",
        request_ids: [event.data.request.id],
        requests: [event.data.request],
      };
    case "user_question_resolved":
      return {
        type: "user_question_resolved",
        resolution: event.data.resolution,
        decided_by: event.data.decided_by,
      };
    case "output":
      return { type: "output", output: await outputRecord(store, run.session_id, event) };
    case "failed":
      return {
        type: "failed",
        error: event.data.error,
        ...(event.data.code === undefined ? {} : { code: event.data.code }),
      };
    case "interrupted":
    case "cancelled":
      return {
        type: event.type,
        ...(event.data.reason === undefined ? {} : { reason: event.data.reason }),
        ...(event.data.by === undefined ? {} : { by: event.data.by }),
      };
    default:
      return undefined;
  }
}
