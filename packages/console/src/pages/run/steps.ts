import type { PermissionAudit, RunEventEntry, Trace } from "@kheish/sdk";

/** One bar of a run's timeline. */
export interface Step {
  key: string;
  kind: "model" | "tool" | "wait" | "restart";
  name: string;
  startMs: number;
  /** Absent while it lasts. */
  endMs?: number;
  failed: boolean;
  /** What can be looked at, by its heading. */
  details: { heading: string; value: unknown }[];
}

/** What the journal says of a run, as far as a timeline needs it. */
interface Message {
  role: "assistant" | "user";
  parts: { type: string; text?: string; id?: string; name?: string; input?: unknown }[];
  model?: string;
  usage?: {
    input_tokens: number;
    output_tokens: number;
    cached_input_tokens?: number;
    cost_microusd?: number;
  };
}
interface Started {
  call_id: string;
  tool_name: string;
  attempt: number;
  effect: string;
  idempotency_key: string;
}
interface Finished {
  call_id: string;
  result: { output: unknown; is_error: boolean };
  ledger: string;
}

/**
 * The steps of a run in the order of their beginnings, from its traces and its own events. A model call's beginning is
 * not an event: it began when what came before it was over.
 */
export function stepsOf(traces: readonly Trace[], events: readonly RunEventEntry[]): Step[] {
  const steps = [...workOf(traces, events), ...waitsOf(events)];
  return steps.sort((a, b) => a.startMs - b.startMs);
}

function workOf(traces: readonly Trace[], events: readonly RunEventEntry[]): Step[] {
  const steps: Step[] = [];
  const tools = new Map<string, Step>();
  const inputs = new Map<string, unknown>();
  const audits = new Map<string, PermissionAudit>();
  const pauses = events
    .filter(({ event }) => ENDS_A_PAUSE.has(event.type))
    .map(({ timestamp_ms }) => timestamp_ms);
  let idleSince = 0;
  for (const { kind, data, timestamp_ms: at = 0, seq } of traces) {
    if (kind === "message_appended") {
      const { message, turn } = data as unknown as { message: Message; turn: number };
      if (message.role !== "assistant") continue;
      for (const { id, input } of message.parts) if (id !== undefined) inputs.set(id, input);
      const startMs = Math.max(idleSince, ...pauses.filter((pause) => pause <= at));
      steps.push(modelStep(`turn-${seq}`, turn, message, startMs || at, at));
      idleSince = at;
    }
    if (kind === "permission_audit") {
      const { audit } = data as unknown as { audit: PermissionAudit };
      if (audit.tool_call_id !== undefined) audits.set(audit.tool_call_id, audit);
    }
    if (kind === "tool_call_started") {
      const started = data as unknown as Started;
      // An attempt that nobody heard of again was over when the next one began.
      const lost = tools.get(started.call_id);
      if (lost !== undefined) lost.endMs ??= at;
      const step = toolStep(started, inputs.get(started.call_id), audits.get(started.call_id), at);
      tools.set(started.call_id, step);
      steps.push(step);
    }
    if (kind === "tool_call_finished") {
      const finished = data as unknown as Finished;
      const step = tools.get(finished.call_id);
      if (step !== undefined) finish(step, finished, at);
      idleSince = at;
    }
  }
  return steps;
}

const ENDS_A_PAUSE = new Set(["started", "resumed", "approval_resolved", "user_question_resolved"]);

function modelStep(key: string, turn: number, message: Message, startMs: number, endMs: number): Step {
  const said = message.parts.filter(({ type }) => type === "text").map(({ text }) => text);
  const thought = message.parts.filter(({ type }) => type === "reasoning").map(({ text }) => text);
  const calls = message.parts
    .filter(({ type }) => type === "tool_call")
    .map(({ name, input }) => ({ name, input }));
  return {
    key,
    kind: "model",
    name: `Turn ${turn}: ${message.model ?? "model"}`,
    startMs,
    endMs,
    failed: false,
    details: [
      ...(thought.length > 0 ? [{ heading: "Reasoning", value: thought.join("\n") }] : []),
      ...(said.join("") === "" ? [] : [{ heading: "Text", value: said.join("") }]),
      ...(calls.length > 0 ? [{ heading: "Tool calls", value: calls }] : []),
      ...(message.usage === undefined ? [] : [{ heading: "Tokens and cost", value: message.usage }]),
    ],
  };
}

function toolStep(
  started: Started,
  input: unknown,
  audit: PermissionAudit | undefined,
  startMs: number,
): Step {
  const { call_id, tool_name, attempt, effect, idempotency_key } = started;
  return {
    key: `${call_id}-${attempt}-${startMs}`,
    kind: "tool",
    name: attempt > 1 ? `${tool_name} (attempt ${attempt})` : tool_name,
    startMs,
    failed: false,
    details: [
      { heading: "Input", value: input ?? null },
      { heading: "Effect", value: { class: effect, attempt, idempotency_key } },
      ...(audit === undefined ? [] : [{ heading: "Permission", value: audit }]),
    ],
  };
}

function finish(step: Step, { result, ledger }: Finished, endMs: number): void {
  step.endMs = endMs;
  step.failed = result.is_error;
  step.details.push({ heading: "Ledger", value: ledger }, { heading: "Output", value: result.output });
}

/** Where the run waited for a human, and where a daemon took it up again. */
function waitsOf(events: readonly RunEventEntry[]): Step[] {
  const steps: Step[] = [];
  let open: Step | undefined;
  for (const { event, timestamp_ms: at, seq } of events) {
    if (open !== undefined) open.endMs = at;
    if (open !== undefined && event.type.endsWith("_resolved"))
      open.details.push({ heading: "Decision", value: { ...event, type: undefined } });
    open = undefined;
    if (event.type === "waiting_for_approval" || event.type === "waiting_for_user_question") {
      open = { ...point(`wait-${seq}`, at), kind: "wait", name: WAITS[event.type] };
      open.details.push({ heading: "Asked", value: event.requests ?? event.request_ids });
      steps.push(open);
    }
    if (event.type === "resumed") {
      const name = `Restart: another daemon process took the run up (attempt ${event.attempt})`;
      steps.push({ ...point(`restart-${seq}`, at), kind: "restart", name, endMs: at });
    }
  }
  return steps;
}

const WAITS = {
  waiting_for_approval: "Waits for an approval",
  waiting_for_user_question: "Waits for an answer",
};

function point(key: string, startMs: number): Omit<Step, "kind" | "name"> {
  return { key, startMs, failed: false, details: [] };
}
