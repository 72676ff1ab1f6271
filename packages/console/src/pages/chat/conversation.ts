import type { StreamFrame, Trace } from "@kheish/sdk";

/** One thing in a conversation, in the order in which it came. */
export type Line =
  | { key: string; who: "you" | "agent"; text: string }
  | {
      key: string;
      who: "tool";
      callId: string;
      name: string;
      input: unknown;
      /** `asked` until it leaves, then `running`, then what the ledger says. */
      state: string;
      failed: boolean;
      output?: unknown;
    }
  /** Where what came before was made shorter for the model. */
  | { key: string; who: "mark"; text: string };

/** What was said, and what is being said just now. */
export interface Conversation {
  lines: Line[];
  /** The text of the turn that is being written; no history yet. */
  writing: { runId: string; turn: number; text: string } | undefined;
  /** What the last model call had in view, by which the context window is filled. */
  context: { tokens: number; routeId: string; model: string } | undefined;
  used: Used;
}

/** What all of it used so far. The daemon's own sums follow when a run ends. */
export interface Used {
  modelCalls: number;
  toolCalls: number;
  inputTokens: number;
  outputTokens: number;
  /** Of the calls whose price is known; absent when none is. */
  costMicrousd?: number;
}

const NOTHING: Used = { modelCalls: 0, toolCalls: 0, inputTokens: 0, outputTokens: 0 };

export const EMPTY: Conversation = { lines: [], writing: undefined, context: undefined, used: NOTHING };

interface Part {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  input?: unknown;
}

interface Message {
  role: "user" | "assistant";
  synthetic?: boolean;
  parts: Part[];
  route_id?: string;
  model?: string;
  usage?: { input_tokens: number; output_tokens: number; cost_microusd?: number };
}

/** The conversation after more events of the session's stream. */
export function afterAll(conversation: Conversation, frames: readonly StreamFrame[]): Conversation {
  const lines = [...conversation.lines];
  let { writing, context, used } = conversation;
  for (const { id, data } of frames) {
    if (data.type === "output_delta" && data.part === "text") {
      const isSame = writing?.runId === data.run_id && writing.turn === data.turn;
      const text = (isSame ? (writing?.text ?? "") : "") + data.text;
      writing = { runId: data.run_id, turn: data.turn, text };
    }
    // The run moved while a turn was being written: the turn was cut off, and is written anew or not at all.
    if (data.type === "run_updated" && data.run.run_id === writing?.runId) writing = undefined;
    if (data.type !== "trace") continue;
    const { trace } = data;
    followCall(lines, trace);
    used = usedAfter(used, trace);
    const mark = markOf(trace);
    if (mark !== undefined) {
      lines.push({ key: `${id}-mark`, who: "mark", text: mark.text });
      if (mark.tokens !== undefined && context !== undefined) context = { ...context, tokens: mark.tokens };
    }
    const message = messageOf(trace);
    if (message === undefined) continue;
    const who = message.role === "user" ? "you" : "agent";
    // The message is whole now: what was shown of it while it was written has served.
    if (who === "agent") writing = undefined;
    if (message.usage !== undefined) {
      const { input_tokens, output_tokens } = message.usage;
      const { route_id: routeId = "", model = "" } = message;
      context = { tokens: input_tokens + output_tokens, routeId, model };
    }
    const runId = trace.run_id ?? "";
    lines.push(...message.parts.flatMap((part, index) => lineOf(part, who, `${id}-${index}`, runId)));
  }
  return { lines, writing, context, used };
}

function usedAfter(used: Used, { kind, data }: Trace): Used {
  if (kind === "tool_call_finished") return { ...used, toolCalls: used.toolCalls + 1 };
  if (kind !== "message_appended") return used;
  const { message } = data as unknown as { message?: Message };
  if (message?.role !== "assistant") return used;
  const { input_tokens = 0, output_tokens = 0, cost_microusd } = message.usage ?? {};
  return {
    ...used,
    modelCalls: used.modelCalls + 1,
    inputTokens: used.inputTokens + input_tokens,
    outputTokens: used.outputTokens + output_tokens,
    ...(cost_microusd !== undefined && { costMicrousd: (used.costMicrousd ?? 0) + cost_microusd }),
  };
}

/** What somebody said; the daemon's own words to the model are no part of the conversation. */
function messageOf({ kind, data }: Trace): Message | undefined {
  if (kind !== "input_received" && kind !== "message_appended") return undefined;
  const { message } = data as unknown as { message?: Message };
  return message?.synthetic === true ? undefined : message;
}

function lineOf(part: Part, who: "you" | "agent", key: string, runId: string): Line[] {
  if (part.type === "text" && part.text !== "") return [{ key, who, text: part.text ?? "" }];
  if (part.type !== "tool_call") return [];
  const { id = "", name = "", input } = part;
  return [{ key, who: "tool", callId: callKey(runId, id), name, input, state: "asked", failed: false }];
}

/** Ids of calls count within their run only. */
function callKey(runId: string, callId: string): string {
  return `${runId} ${callId}`;
}

/** A call's line shows how far it is; calls are few steps behind the end of the conversation. */
function followCall(lines: Line[], { kind, run_id: runId = "", data }: Trace): void {
  if (kind !== "tool_call_started" && kind !== "tool_call_finished") return;
  const { call_id, ledger, result } = data as unknown as {
    call_id: string;
    ledger?: string;
    result?: { output: unknown; is_error: boolean };
  };
  const key = callKey(runId, call_id);
  const at = lines.findLastIndex((line) => line.who === "tool" && line.callId === key);
  const line = lines[at];
  if (line?.who !== "tool") return;
  lines[at] =
    kind === "tool_call_started"
      ? { ...line, state: "running" }
      : {
          ...line,
          state: ledger ?? "settled",
          failed: result?.is_error === true,
          ...(result !== undefined && { output: result.output }),
        };
}

/** Where the model's view of the conversation was made shorter, and how large it is since then. */
function markOf({ kind, data }: Trace): { text: string; tokens?: number } | undefined {
  if (kind === "checkpoint") {
    const { checkpoint } = data as unknown as {
      checkpoint: { messages_removed: number; post_tokens: number; summary?: object };
    };
    const { messages_removed: removed, post_tokens: tokens, summary } = checkpoint;
    const how = summary === undefined ? "left out" : "summarised";
    return { text: `The model no longer sees ${removed} messages before this; they were ${how}.`, tokens };
  }
  if (kind !== "compaction_boundary") return undefined;
  const { boundary } = data as unknown as { boundary: { kind: string; messages_removed?: number } };
  if (boundary.kind === "snip")
    return { text: `The model no longer sees ${boundary.messages_removed} messages before this.` };
  return { text: "The model no longer sees what older tools answered before this." };
}
