import type { Json } from "@kheish/contract";
import { compactJson, type Style } from "../output/output.ts";
import { oneLine, printable, truncate } from "../output/text.ts";
import { duration } from "../output/time.ts";
import type { Fact } from "./facts.ts";
import type { Call, WatchState } from "./state.ts";

/** What the transcript shows of an engine fact; `state` is what was known before it. */
export function factLines(state: WatchState, fact: Fact, style: Style): string[] {
  const { colors, columns } = style;
  switch (fact.kind) {
    case "input":
      return ["", ...inputLines(fact.text, style)];
    case "message":
      return fact.text.trim() === "" ? [] : ["", ...printable(fact.text.trimEnd()).split("\n")];
    case "call_started":
      return fact.attempt > 1 ? [colors.dim(`  ${fact.toolName}: attempt ${fact.attempt}`)] : [];
    case "call_finished":
      return [finishedLine(state, fact, style)];
    case "denied":
      return [colors.red(truncate(`  denied ${fact.toolName}: ${oneLine(fact.reason)}`, columns))];
    case "compacted":
      return [colors.dim(`  context compacted (${oneLine(fact.detail)})`)];
    case "fell_back":
      return [colors.yellow(truncate(`${oneLine(fact.why)}: goes on with ${oneLine(fact.to)}`, columns))];
    case "resumed":
      return [colors.yellow(`resumed by a daemon that took over (attempt ${fact.attempt})`)];
  }
}

const MOST_INPUT_LINES = 6;

/** The user knows what was submitted; its beginning is enough. */
function inputLines(text: string, { colors, columns }: Style): string[] {
  const lines = printable(text.trim()).split("\n");
  const shown = lines.slice(0, MOST_INPUT_LINES).map((line) => colors.bold(truncate(`> ${line}`, columns)));
  const hidden = lines.length - shown.length;
  return hidden === 0 ? shown : [...shown, colors.dim(`> ... ${hidden} more lines`)];
}

function finishedLine(
  { calls }: WatchState,
  fact: Extract<Fact, { kind: "call_finished" }>,
  { colors, columns }: Style,
): string {
  const call = calls.get(fact.callId);
  const outcome = fact.isError ? `: ${errorText(fact.output)}` : "";
  const mark = fact.isError ? colors.red("x") : colors.green("✓");
  return `  ${mark} ${truncate(callText(fact.toolName, call?.input, columns) + tookText(call, fact.atMs) + outcome, columns - 4)}`;
}

function tookText(call: Call | undefined, finishedAtMs: number | undefined): string {
  if (call?.startedAtMs === undefined || finishedAtMs === undefined) return "";
  return `  ${duration(finishedAtMs - call.startedAtMs)}`;
}

/** A call as its tool and a short form of its input. */
export function callText(name: string, input: Json | undefined, columns: number): string {
  const short = truncate(oneLine(compactJson(input)), Math.max(8, Math.floor(columns / 2)));
  return `${oneLine(name)} ${short}`.trimEnd();
}

/** Tools say what went wrong in words, or in a member `error`. */
function errorText(output: Json): string {
  const error = typeof output === "object" && output !== null && "error" in output ? output.error : output;
  return oneLine(typeof error === "string" ? error : compactJson(output));
}
