import type { PermissionAudit, RunEvent, RunEventEntry, Trace } from "@kheish/sdk";
import { restartsOf } from "./restarts.ts";
import type { Body, Step, Usage } from "./step.ts";

/** What the journal says of a run, as far as a timeline needs it. */
interface Message {
  role: "assistant" | "user";
  parts: { type: string; text?: string; id?: string; name?: string; input?: unknown }[];
  model?: string;
  usage?: Usage;
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
interface Failed {
  turn: number;
  model: string;
  error: { class: string; message: string };
  next: string;
}

/**
 * The steps of a run in the order of their beginnings, from its traces and its own events. A model call's beginning is
 * not an event: it began when what came before it was over.
 */
export function stepsOf(traces: readonly Trace[], events: readonly RunEventEntry[]): Step[] {
  // Of what began at one time a restart is the first: the rest followed from it.
  const steps = [...restartsOf(traces, events), ...workOf(traces, events), ...waitsOf(events)];
  return steps.sort((a, b) => a.startMs - b.startMs);
}

const ENDS_A_PAUSE = new Set(["started", "resumed", "approval_resolved", "user_question_resolved"]);

function workOf(traces: readonly Trace[], events: readonly RunEventEntry[]): Step[] {
  const steps: Step[] = [];
  const tools = new Map<string, Step>();
  const inputs = new Map<string, unknown>();
  const audits = new Map<string, PermissionAudit>();
  const pauses = events
    .filter(({ event }) => ENDS_A_PAUSE.has(event.type))
    .map(({ timestamp_ms }) => timestamp_ms);
  let [idleSince, passed] = [0, 0];
  /** When what is told at `at` began: after what came before it, or after the pause that ended last. */
  const beginning = (at: number) => {
    for (let pause = pauses[passed]; pause !== undefined && pause <= at; pause = pauses[++passed])
      idleSince = Math.max(idleSince, pause);
    return idleSince || at;
  };
  for (const { kind, data, timestamp_ms: at = 0, seq } of traces) {
    if (kind === "message_appended") {
      const { message, turn } = data as unknown as { message: Message; turn: number };
      if (message.role !== "assistant") continue;
      for (const { id, input } of message.parts) if (id !== undefined) inputs.set(id, input);
      steps.push(modelStep(`turn-${seq}`, turn, message, { startMs: beginning(at), endMs: at }));
      idleSince = at;
    }
    if (kind === "model_call_failed") {
      const failed = data as unknown as Failed;
      const name = `Turn ${failed.turn}: ${failed.model}`;
      const { turn, model, error, next } = failed;
      const body = { kind: "retry", turn, model, error, next } as const;
      steps.push({ key: `failed-${seq}`, name, startMs: beginning(at), endMs: at, failed: true, body });
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
    const compaction = compactionOf(kind, data);
    if (compaction !== undefined)
      steps.push({
        ...point(`compaction-${seq}`, at),
        name: `Context: ${compaction.what}`,
        endMs: at,
        body: compaction,
      });
  }
  return steps;
}

function modelStep(
  key: string,
  turn: number,
  message: Message,
  span: { startMs: number; endMs: number },
): Step {
  const textOf = (kind: string) =>
    message.parts
      .filter(({ type }) => type === kind)
      .map(({ text }) => text)
      .join("\n");
  return {
    key,
    name: `Turn ${turn}: ${message.model ?? "model"}`,
    ...span,
    failed: false,
    body: {
      kind: "model",
      turn,
      model: message.model,
      reasoning: textOf("reasoning"),
      text: textOf("text"),
      calls: message.parts
        .filter(({ type }) => type === "tool_call")
        .map(({ name = "", input }) => ({ name, input })),
      usage: message.usage,
    },
  };
}

function toolStep(
  { call_id, tool_name, attempt, effect, idempotency_key }: Started,
  input: unknown,
  permission: PermissionAudit | undefined,
  startMs: number,
): Step {
  return {
    key: `${call_id}-${attempt}-${startMs}`,
    name: attempt > 1 ? `${tool_name} (attempt ${attempt})` : tool_name,
    startMs,
    failed: false,
    body: {
      kind: "tool",
      tool: tool_name,
      input: input ?? null,
      effect,
      attempt,
      idempotencyKey: idempotency_key,
      permission,
      ledger: "dispatched",
      output: undefined,
      hasOutput: false,
    },
  };
}

function finish(step: Step, { result, ledger }: Finished, endMs: number): void {
  step.endMs = endMs;
  step.failed = result.is_error;
  if (step.body.kind !== "tool") return;
  step.body.ledger = ledger;
  step.body.output = result.output;
  step.body.hasOutput = true;
}

/** Where the prompt was made shorter. */
function compactionOf(kind: string, data: unknown): Extract<Body, { kind: "compaction" }> | undefined {
  if (kind === "checkpoint") {
    const { checkpoint } = data as { checkpoint: Record<string, number> & { strategy: string } };
    const { pre_tokens = 0, post_tokens = 0, messages_removed, strategy } = checkpoint;
    const what = strategy === "snip" ? "older messages left out" : "older messages summarised";
    return {
      kind: "compaction",
      what,
      tokensFreed: Math.max(0, pre_tokens - post_tokens),
      messagesRemoved: messages_removed,
    };
  }
  if (kind !== "compaction_boundary") return undefined;
  const { boundary } = data as {
    boundary: { kind: string; tokens_freed: number; messages_removed?: number };
  };
  return {
    kind: "compaction",
    what: boundary.kind === "snip" ? "older messages left out" : "old tool outputs blanked",
    tokensFreed: boundary.tokens_freed,
    messagesRemoved: boundary.messages_removed,
  };
}

const WAITS = {
  waiting_for_approval: "Waits for an approval",
  waiting_for_user_question: "Waits for an answer",
};

/** Where the run waited for a human; a wait for several requests lasts until the last of them is decided. */
function waitsOf(events: readonly RunEventEntry[]): Step[] {
  const steps: Step[] = [];
  let open: Step | undefined;
  let pending = new Set<string>();
  for (const { event, timestamp_ms: at, seq } of events) {
    if (event.type === "approval_voted" || event.type === "approval_escalated") continue;
    if (open?.body.kind === "wait") {
      const decided = decisionIn(event);
      if (decided !== undefined) open.body.decisions.push({ by: decided.by, atMs: at, said: decided.said });
      for (const id of decided?.ids ?? pending) pending.delete(id);
      if (pending.size > 0) continue;
      open.endMs = at;
    }
    open = undefined;
    if (event.type !== "waiting_for_approval" && event.type !== "waiting_for_user_question") continue;
    const body: Body = { kind: "wait", requests: event.requests ?? [], decisions: [] };
    open = { ...point(`wait-${seq}`, at), name: WAITS[event.type], body };
    pending = new Set(event.request_ids);
    steps.push(open);
  }
  return steps;
}

function decisionIn(event: RunEvent): { ids: string[]; by: string | undefined; said: unknown } | undefined {
  if (event.type === "approval_resolved") {
    const { resolutions: said, decided_by: by } = event;
    return { ids: said.map(({ request_id }) => request_id), by, said };
  }
  if (event.type !== "user_question_resolved") return undefined;
  const { resolution: said, decided_by: by } = event;
  return { ids: [said.request_id], by, said };
}

export function point(key: string, startMs: number): Omit<Step, "name" | "body"> {
  return { key, startMs, failed: false };
}
