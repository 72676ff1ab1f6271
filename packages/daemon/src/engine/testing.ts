import type { Json } from "@kheish/contract";
import { event, type RecordedEvent, recorded, type SessionEvents, type SessionEventType } from "./events.ts";
import type { AssistantMessage, FinishReason, ToolCall, ToolResult, Usage, UserMessage } from "./messages.ts";
import type { RunRecord, SessionRecord } from "./records.ts";
import { reduce } from "./reduce.ts";
import { emptyState, type RunState, type SessionState } from "./state.ts";
import { ZERO_USAGE } from "./usage.ts";

/** What the tests of the engine are built of. For tests only. */
export const NOW = 1_700_000_000_000;
export const RUN = "run-1";

export function user(text: string, id = "msg-user"): UserMessage {
  return { role: "user", id, parts: [{ type: "text", text }] };
}

export function call(id: string, name = "probe", input: Json = {}): ToolCall {
  return { id, name, input };
}

export function assistant(
  text: string,
  options: { calls?: ToolCall[]; usage?: Usage; finish?: FinishReason } = {},
): AssistantMessage {
  const { calls = [], usage, finish = calls.length > 0 ? "tool_calls" : "stop" } = options;
  return {
    role: "assistant",
    id: "msg-assistant",
    parts: [
      ...(text === "" ? [] : [{ type: "text" as const, text }]),
      ...calls.map((one) => ({ type: "tool_call" as const, ...one })),
    ],
    route_id: "scripted",
    model: "big",
    finish_reason: finish,
    ...(usage === undefined ? {} : { usage }),
  };
}

export function result(callId: string, output: Json = "ok", toolName = "probe"): ToolResult {
  return { call_id: callId, tool_name: toolName, output, is_error: false };
}

/** A session's journal in the making: each event gets the next seq and a later time. */
export class History {
  readonly events: RecordedEvent[] = [];
  readonly #stepMs: number;
  #atMs = NOW;

  constructor(stepMs = 1) {
    this.#stepMs = stepMs;
  }

  /** Answers the seq of the new event. */
  add<T extends SessionEventType>(type: T, data: SessionEvents[T]): number {
    const seq = this.events.length + 1;
    this.#atMs += this.#stepMs;
    this.events.push(
      recorded({ ...event(type, data, this.#atMs), stream: "session/test", seq, position: seq }),
    );
    return seq;
  }

  get nowMs(): number {
    return this.#atMs;
  }

  pass(ms: number): void {
    this.#atMs += ms;
  }

  start(runId = RUN, text = "do it"): void {
    this.add("started", { run_id: runId });
    this.add("input_received", { run_id: runId, message: user(text) });
  }

  says(message: AssistantMessage, turn = 0, runId = RUN): number {
    return this.add("message_appended", { run_id: runId, turn, message });
  }

  allows(callId: string, runId = RUN): void {
    const audit = { scope: "default", tool_name: "probe", tool_call_id: callId, decision: "allow" } as const;
    this.add("permission_audit", { run_id: runId, audit });
  }

  dispatches(callId: string, attempt = 1, runId = RUN): void {
    this.add("tool_call_started", {
      run_id: runId,
      call_id: callId,
      tool_name: "probe",
      attempt,
      effect: "read",
      idempotency_key: `key-${callId}`,
    });
  }

  finishes(outcome: ToolResult, more: Partial<SessionEvents["tool_call_finished"]> = {}): void {
    this.add("tool_call_finished", {
      run_id: RUN,
      call_id: outcome.call_id,
      result: outcome,
      ledger: "settled",
      ...more,
    });
  }

  get state(): SessionState {
    return foldAll(this.events);
  }
}

export function foldAll(events: readonly RecordedEvent[], from = emptyState()): SessionState {
  return events.reduce(reduce, from);
}

/** The active run; a test that has none is wrong. */
export function runIn(state: SessionState): RunState {
  if (state.run === undefined) throw new Error("no run is active");
  return state.run;
}

export function sessionRecord(more: Partial<SessionRecord> = {}): SessionRecord {
  return {
    session_id: "s",
    agent_id: "agent-1",
    nickname: "Atlas",
    created_at_ms: NOW,
    updated_at_ms: NOW,
    status: "idle",
    queued_count: 0,
    pending_approvals: 0,
    pending_questions: 0,
    checkpoint_count: 0,
    usage: ZERO_USAGE,
    ...more,
  };
}

export function runRecord(more: Partial<RunRecord> = {}): RunRecord {
  return {
    run_id: RUN,
    session_id: "s",
    agent_id: "agent-1",
    kind: "input",
    status: "running",
    submitted_at_ms: NOW,
    updated_at_ms: NOW,
    request: { source_plugin: "daemon", source_kind: "api", actor_id: "test" },
    route: { route_id: "scripted", driver: "scripted", model: "big" },
    generation: {},
    reply_targets: [],
    pending_approval_ids: [],
    pending_question_ids: [],
    accepted_seq: 1,
    output_seqs: [],
    usage: ZERO_USAGE,
    principal: "test",
    ...more,
  };
}
