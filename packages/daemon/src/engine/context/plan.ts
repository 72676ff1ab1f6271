import type { ResultPlace } from "../events.ts";
import { type RunState, type SessionState, visible } from "../state.ts";
import { calibratedTokens, estimateJson, paddedTokens } from "./estimate.ts";
import { CLEARED_OUTPUT } from "./visible-output.ts";

/** 01, Limits and defaults. */
export const SNIP_BUDGET_TOKENS = 120_000;
export const SNIP_KEEP_MESSAGES = 10;
export const MICROCOMPACT_KEEP = 5;
export const MICROCOMPACT_STALE_MS = 15 * 60_000;
export const COMPACT_KEEP_MESSAGES = 6;
export const SESSION_MEMORY_MIN_TOKENS = 10_000;
export const SESSION_MEMORY_MAX_TOKENS = 40_000;
export const AUTOCOMPACT_THRESHOLD = 167_000;
export const AUTOCOMPACT_BUFFER = 13_000;
export const COMPACT_FAILURE_CAP = 3;
/** A snip frees a quarter of its budget, so that it does not recur at every turn (01, weakness 6). */
const SNIP_TARGET = 0.75;

const MICROCOMPACT_TOOLS = new Set([
  "read_file",
  "bash",
  "grep_search",
  "glob_search",
  "web_fetch",
  "web_search",
]);

/** What is known of the model's window; undefined when the model is not in the table. */
export interface ContextLimits {
  contextTokens?: number;
  reservedOutputTokens: number;
}

export type ContextPlan =
  | { kind: "none" }
  | { kind: "snip"; headSeq: number; removed: number; tokensFreed: number }
  | { kind: "microcompact"; cleared: ResultPlace[]; tokensFreed: number }
  | { kind: "session_memory"; headSeq: number; removed: number; preTokens: number }
  | { kind: "model_driven"; headSeq: number; removed: number; preTokens: number; trigger: "auto" | "forced" };

/**
 * What to do about the prompt before the next model call, in the order of 01-R78.
 * A remedy that a failed call asked for (01-R85) comes before what the sizes say.
 */
export function planContext(
  state: SessionState,
  run: RunState,
  limits: ContextLimits,
  nowMs: number,
): ContextPlan {
  if (run.remedy === "snip") return aggressiveSnip(state) ?? forcedCompaction(state) ?? { kind: "none" };
  if (run.remedy === "compact") return forcedCompaction(state) ?? { kind: "none" };
  return (
    snip(state, SNIP_BUDGET_TOKENS) ??
    microcompact(state, nowMs) ??
    compaction(state, run, limits) ?? { kind: "none" }
  );
}

/** 01-R79. */
export function compactionThreshold(limits: ContextLimits): number {
  if (limits.contextTokens === undefined) return AUTOCOMPACT_THRESHOLD;
  const room = limits.contextTokens - limits.reservedOutputTokens - AUTOCOMPACT_BUFFER;
  return Math.max(1, Math.min(AUTOCOMPACT_THRESHOLD, room));
}

/** 01-R78a: drops the oldest whole groups until the estimate fits, keeping at least ten messages. */
function snip(state: SessionState, budget: number): ContextPlan | undefined {
  if (paddedTokens(visible(state)) <= budget) return undefined;
  const pinned = state.pinned === undefined ? 0 : paddedTokens([state.pinned]);
  const before = paddedTokens(state.entries);
  return cutUntil(state, budget * SNIP_TARGET - pinned, SNIP_KEEP_MESSAGES, before);
}

function aggressiveSnip(state: SessionState): ContextPlan | undefined {
  const before = paddedTokens(state.entries);
  return cutUntil(state, before / 2, SNIP_KEEP_MESSAGES, before);
}

function cutUntil(
  state: SessionState,
  target: number,
  keep: number,
  before: number,
): ContextPlan | undefined {
  let head = 0;
  for (const start of groupStarts(state)) {
    if (state.entries.length - start < keep) break;
    head = start;
    if (paddedTokens(state.entries.slice(start)) <= target) break;
  }
  const first = state.entries[head];
  if (head === 0 || first === undefined) return undefined;
  return {
    kind: "snip",
    headSeq: first.seq,
    removed: head,
    tokensFreed: before - paddedTokens(state.entries.slice(head)),
  };
}

/** Where a prompt may begin without parting a tool call from its result: at any message that is not a result. */
function groupStarts(state: SessionState): number[] {
  return state.entries.flatMap((entry, index) => (entry.message.role === "tool" ? [] : [index]));
}

/** 01-R78b: after a pause of 15 minutes old outputs are blanked; the provider's cache is cold anyway. */
function microcompact(state: SessionState, nowMs: number): ContextPlan | undefined {
  const lastAnswer = state.entries.findLast((entry) => entry.message.role === "assistant");
  if (lastAnswer === undefined || nowMs - lastAnswer.atMs <= MICROCOMPACT_STALE_MS) return undefined;
  const results = state.entries.flatMap((entry) =>
    entry.message.role === "tool" ? entry.message.results.map((result) => ({ result, entry })) : [],
  );
  const candidates = results.filter(({ result }) => MICROCOMPACT_TOOLS.has(result.tool_name));
  const stale = candidates
    .slice(0, Math.max(0, candidates.length - MICROCOMPACT_KEEP))
    .filter(({ result }) => result.output !== CLEARED_OUTPUT);
  if (stale.length === 0) return undefined;
  return {
    kind: "microcompact",
    cleared: stale.map(({ result, entry }) => ({ seq: entry.seq, call_id: result.call_id })),
    tokensFreed: stale.reduce((sum, { result }) => sum + estimateJson(result.output), 0),
  };
}

/** 01-R78c: session memory where a summary exists, else the model is asked. */
function compaction(state: SessionState, run: RunState, limits: ContextLimits): ContextPlan | undefined {
  const size = calibratedTokens(visible(state), state.checkpoint?.seq ?? 0);
  const threshold = compactionThreshold(limits);
  if (size <= threshold || run.compact_failures >= COMPACT_FAILURE_CAP) return undefined;
  return sessionMemory(state, size, threshold) ?? modelDriven(state, size, "auto");
}

function forcedCompaction(state: SessionState): ContextPlan | undefined {
  return modelDriven(state, calibratedTokens(visible(state), state.checkpoint?.seq ?? 0), "forced");
}

/** 01-R80: whole recent groups totalling 10,000 to 40,000 tokens, when the result is smaller and fits. */
function sessionMemory(state: SessionState, size: number, threshold: number): ContextPlan | undefined {
  if (state.checkpoint?.checkpoint.summary === undefined) return undefined;
  let chosen: number | undefined;
  for (const start of groupStarts(state).reverse()) {
    const tokens = paddedTokens(state.entries.slice(start));
    if (tokens > SESSION_MEMORY_MAX_TOKENS) break;
    chosen = start;
    if (tokens >= SESSION_MEMORY_MIN_TOKENS) break;
  }
  if (chosen === undefined || chosen === 0) return undefined;
  const kept = paddedTokens(state.entries.slice(chosen));
  const first = state.entries[chosen];
  if (first === undefined || kept < SESSION_MEMORY_MIN_TOKENS || kept >= size || kept >= threshold)
    return undefined;
  return { kind: "session_memory", headSeq: first.seq, removed: chosen, preTokens: size };
}

/** 01-R81: the last six messages stay, and a call is never parted from its result. */
function modelDriven(state: SessionState, size: number, trigger: "auto" | "forced"): ContextPlan | undefined {
  const limit = state.entries.length - COMPACT_KEEP_MESSAGES;
  const start = groupStarts(state).findLast((index) => index <= limit);
  const first = start === undefined ? undefined : state.entries[start];
  if (start === undefined || start === 0 || first === undefined) return undefined;
  return { kind: "model_driven", headSeq: first.seq, removed: start, preTokens: size, trigger };
}
