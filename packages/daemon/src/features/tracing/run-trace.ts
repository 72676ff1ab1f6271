import type { RecordedEvent, RunRecord, SessionEvents } from "../../engine/index.ts";
import { spanIdOf, traceIdOf } from "./ids.ts";
import type { Attributes, Span } from "./span.ts";

const PROVIDER_NAMES: Readonly<Record<string, string>> = { google: "gcp.gemini", xai: "x_ai" };
/** What an exporter accepts of one span. */
const MOST_SPAN_EVENTS = 128;

interface OpenCall {
  seq: number;
  atMs: number;
  started: SessionEvents["tool_call_started"];
}

/**
 * A run's spans out of its journal, by the GenAI semantic conventions: the run (`invoke_agent`), its model calls
 * (`chat`) and its tool calls (`execute_tool`). They hold names, numbers and classes, never what was said. The same
 * journal makes the same spans with the same ids, so nothing has to be remembered from one process to the next.
 */
export class RunTrace {
  readonly #run: RunRecord;
  readonly #common: Attributes;
  readonly #calls = new Map<string, OpenCall>();
  readonly #moments: Span["events"] = [];
  #lastMs: number;
  #errorType: string | undefined;

  constructor(run: RunRecord) {
    this.#run = run;
    this.#lastMs = run.started_at_ms ?? run.submitted_at_ms;
    const { driver, route_id } = run.route;
    this.#common = {
      "gen_ai.provider.name": PROVIDER_NAMES[driver] ?? driver,
      "gen_ai.conversation.id": run.session_id,
      "gen_ai.agent.id": run.agent_id,
      "kheish.run.id": run.run_id,
      "kheish.route.id": route_id,
    };
  }

  /** The spans that end with this event of the run. */
  add(event: RecordedEvent): Span[] {
    const spans = this.#spansOf(event);
    this.#lastMs = event.atMs;
    return spans;
  }

  /** The run's own span, once it is over; calls that nobody finished end with it. */
  end(): Span[] {
    const run = this.#run;
    const { usage, status } = run;
    const endMs = run.finished_at_ms ?? this.#lastMs;
    const lost = [...this.#calls.values()].map((call) => this.#toolSpan(call, endMs, "not_finished"));
    const own: Span = {
      ...this.#base(0, "invoke_agent", run.submitted_at_ms, endMs),
      events: this.#moments.slice(0, MOST_SPAN_EVENTS),
    };
    Object.assign(own.attributes, {
      "gen_ai.request.model": run.route.model,
      "gen_ai.usage.input_tokens": usage.input_tokens,
      "gen_ai.usage.output_tokens": usage.output_tokens,
      "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens,
      "kheish.run.kind": run.kind,
      "kheish.run.status": status,
      "kheish.run.restarts": usage.restarts,
    });
    if (status !== "completed") own.errorType = this.#errorType ?? status;
    delete own.parentSpanId;
    return [...lost, own];
  }

  #spansOf(event: RecordedEvent): Span[] {
    switch (event.type) {
      case "started":
      case "waiting_for_approval":
      case "approval_resolved":
      case "waiting_for_user_question":
      case "user_question_resolved":
      case "compaction_boundary":
      case "checkpoint":
        this.#moments.push({ name: event.type, atMs: event.atMs, attributes: {} });
        return [];
      case "resumed":
        this.#moments.push({
          name: "resumed",
          atMs: event.atMs,
          attributes: { attempt: event.data.attempt },
        });
        return [];
      case "message_appended":
        return event.data.message.role === "assistant" ? [this.#chatSpan(event, event.data.message)] : [];
      case "model_call_failed":
        this.#errorType = event.data.error.class;
        return [this.#failedChatSpan(event, event.data)];
      case "tool_call_started":
        return this.#begin(event, event.data);
      case "effect_not_applied":
        return this.#finish(event.data.call_id, event.atMs, "not_applied");
      case "tool_call_finished":
        return this.#finished(event, event.data);
      default:
        return [];
    }
  }

  #chatSpan(
    { seq, atMs }: RecordedEvent,
    message: Extract<SessionEvents["message_appended"]["message"], { role: "assistant" }>,
  ): Span {
    const { usage, provider_response_id: responseId } = message;
    const span = this.#base(seq, "chat", this.#lastMs, atMs);
    return {
      ...span,
      name: `chat ${message.model}`,
      kind: "client",
      attributes: {
        ...span.attributes,
        "gen_ai.request.model": message.model,
        "gen_ai.response.model": message.model,
        "gen_ai.response.finish_reasons": [message.finish_reason],
        ...(responseId === undefined ? {} : { "gen_ai.response.id": responseId }),
        ...(usage === undefined
          ? {}
          : {
              "gen_ai.usage.input_tokens": usage.input_tokens,
              "gen_ai.usage.output_tokens": usage.output_tokens,
              "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens ?? 0,
            }),
      },
    };
  }

  #failedChatSpan({ seq, atMs }: RecordedEvent, { model, error }: SessionEvents["model_call_failed"]): Span {
    const span = this.#base(seq, "chat", this.#lastMs, atMs);
    const attributes = { ...span.attributes, "gen_ai.request.model": model };
    return { ...span, name: `chat ${model}`, kind: "client", attributes, errorType: error.class };
  }

  /** A second attempt means that the first one's process died. */
  #begin({ seq, atMs }: RecordedEvent, started: SessionEvents["tool_call_started"]): Span[] {
    const lost = this.#finish(started.call_id, atMs, "interrupted");
    this.#calls.set(started.call_id, { seq, atMs, started });
    return lost;
  }

  #finished({ seq, atMs }: RecordedEvent, data: SessionEvents["tool_call_finished"]): Span[] {
    const { call_id, ledger, result } = data;
    const errorType =
      ledger === "unknown"
        ? "outcome_unknown"
        : ledger === "denied"
          ? "denied"
          : result.is_error
            ? "tool_error"
            : undefined;
    if (this.#calls.has(call_id)) return this.#finish(call_id, atMs, errorType);
    // It never left: nothing was dispatched, and there is nothing to time.
    const started = { run_id: data.run_id, call_id, tool_name: result.tool_name, attempt: 0 };
    return [this.#toolSpan({ seq, atMs, started }, atMs, errorType)];
  }

  #finish(callId: string, atMs: number, errorType: string | undefined): Span[] {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    return call === undefined ? [] : [this.#toolSpan(call, atMs, errorType)];
  }

  #toolSpan(
    { seq, atMs, started }: { seq: number; atMs: number; started: Partial<OpenCall["started"]> },
    endMs: number,
    errorType: string | undefined,
  ): Span {
    const span = this.#base(seq, "execute_tool", atMs, endMs);
    return {
      ...span,
      name: `execute_tool ${started.tool_name}`,
      attributes: {
        ...span.attributes,
        "gen_ai.tool.name": started.tool_name ?? "",
        "gen_ai.tool.call.id": started.call_id ?? "",
        "gen_ai.tool.type": "function",
        "kheish.tool.attempt": started.attempt ?? 0,
        ...(started.effect === undefined ? {} : { "kheish.tool.effect": started.effect }),
      },
      ...(errorType === undefined ? {} : { errorType }),
    };
  }

  #base(seq: number, operation: string, startMs: number, endMs: number): Span {
    return {
      traceId: traceIdOf(this.#run),
      spanId: spanIdOf(this.#run, seq),
      parentSpanId: spanIdOf(this.#run, 0),
      name: operation,
      kind: "internal",
      startMs,
      // Clocks of two processes may disagree; a span does not end before it began.
      endMs: Math.max(startMs, endMs),
      attributes: { "gen_ai.operation.name": operation, ...this.#common },
      events: [],
    };
  }
}
