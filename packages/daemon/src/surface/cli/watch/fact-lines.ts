import type { Json } from "@kheish/contract";
import { compactJson, type Style } from "../output/output.ts";
import { oneLine, printable, truncate } from "../output/text.ts";
import { duration } from "../output/time.ts";
import type { Fact } from "./facts.ts";
import type { Call, WatchState } from "./state.ts";

export interface Advance {
  readonly state: WatchState;
  readonly lines: readonly string[];
}

/** Takes an engine fact in and says what the transcript shows of it. */
export function takeFact(state: WatchState, fact: Fact, style: Style): Advance {
  const { colors } = style;
  switch (fact.kind) {
    case "input":
      return { state, lines: ["", ...printable(fact.text).split("\n").map((line) => colors.bold(`> ${line}`))] };
    case "message":
      return takeMessage(state, fact);
    case "call_started":
      return { state: withCall(state, fact.callId, startedCall(state, fact)), lines: retryLines(fact, style) };
    case "call_finished":
      return { state: withCall(state, fact.callId, undefined), lines: [finishedLine(state, fact, style)] };
    case "denied":
      return { state, lines: [colors.red(truncate(`  denied ${fact.toolName}: ${oneLine(fact.reason)}`, style.columns))] };
    case "compacted":
      return { state, lines: [colors.dim(`  context compacted (${oneLine(fact.detail)})`)] };
    case "resumed":
      return { state, lines: [colors.yellow(`resumed by a daemon that took over (attempt ${fact.attempt})`)] };
  }
}

function takeMessage(state: WatchState, fact: Extract<Fact, { kind: "message" }>): Advance {
  const calls = new Map<string, Call>(fact.calls.map(({ id, name, input }) => [id, { name, input }]));
  return {
    state: { ...state, streaming: undefined, calls, usage: added(state.usage, fact.usage) },
    lines: fact.text.trim() === "" ? [] : ["", ...printable(fact.text.trimEnd()).split("\n")],
  };
}

function added(total: WatchState["usage"], usage = { input_tokens: 0, output_tokens: 0 }) {
  return {
    input_tokens: total.input_tokens + usage.input_tokens,
    output_tokens: total.output_tokens + usage.output_tokens,
  };
}

type CallStarted = Extract<Fact, { kind: "call_started" }>;
type CallFinished = Extract<Fact, { kind: "call_finished" }>;

function startedCall({ calls }: WatchState, { callId, toolName, atMs }: CallStarted): Call {
  const asked = calls.get(callId) ?? { name: toolName, input: null };
  return { ...asked, ...(atMs !== undefined && { startedAtMs: atMs }) };
}

function retryLines({ toolName, attempt }: CallStarted, { colors }: Style): string[] {
  return attempt > 1 ? [colors.dim(`  ${toolName}: attempt ${attempt}`)] : [];
}

function withCall(state: WatchState, id: string, call: Call | undefined): WatchState {
  const calls = new Map(state.calls);
  if (call === undefined) calls.delete(id);
  else calls.set(id, call);
  return { ...state, calls };
}

function finishedLine({ calls }: WatchState, fact: CallFinished, { colors, columns }: Style): string {
  const call = calls.get(fact.callId);
  const took =
    call?.startedAtMs === undefined || fact.atMs === undefined ? "" : duration(fact.atMs - call.startedAtMs);
  const outcome = fact.isError ? `: ${errorText(fact.output)}` : "";
  const text = `${callText(fact.toolName, call?.input, columns)}  ${took}${outcome}`;
  const mark = fact.isError ? colors.red("x") : colors.green("✓");
  return `  ${mark} ${truncate(text.trimEnd(), columns - 4)}`;
}

/** A call as its tool and a short form of its input. */
export function callText(name: string, input: Json | undefined, columns: number): string {
  const short = input === null ? "" : truncate(oneLine(compactJson(input)), Math.max(8, Math.floor(columns / 2)));
  return `${oneLine(name)} ${short}`.trimEnd();
}

function errorText(output: Json): string {
  return oneLine(typeof output === "string" ? output : compactJson(output));
}
