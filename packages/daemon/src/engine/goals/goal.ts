import type { Json, JsonObject, SessionGoal } from "@kheish/contract";

/** Runs whose charges a goal still lists; older ones are in the sums only. */
const ACCOUNTED_RUNS = 32;

export interface GoalDefinition {
  goal_id: string;
  session_id: string;
  objective: string;
  status: SessionGoal["status"];
  token_budget?: number;
  created_by_run_id?: string;
}

export function newGoal(definition: GoalDefinition, nowMs: number): SessionGoal {
  return {
    ...definition,
    tokens_used: 0,
    time_used_ms: 0,
    created_at_ms: nowMs,
    updated_at_ms: nowMs,
    version: 1,
    definition_version: 1,
  };
}

/** A changed goal; a new objective, status or budget is a new definition, which binds later runs (01, SessionGoal). */
export function revised(goal: SessionGoal, next: SessionGoal, nowMs: number): SessionGoal {
  const redefined =
    next.objective !== goal.objective ||
    next.status !== goal.status ||
    next.token_budget !== goal.token_budget;
  return {
    ...next,
    version: goal.version + 1,
    definition_version: goal.definition_version + (redefined ? 1 : 0),
    updated_at_ms: nowMs,
  };
}

/** Adds what a run used (01-R69). */
export function charged(
  goal: SessionGoal,
  runId: string,
  used: { tokens?: number; time_ms?: number },
  nowMs: number,
): SessionGoal {
  const { tokens = 0, time_ms = 0 } = used;
  const { [`run:${runId}:tokens`]: spent, ...others } = goal.accounted_usage ?? {};
  const time = time_ms > 0 ? { [`run:${runId}:time`]: { tokens: 0, time_ms } } : {};
  const accounted = {
    ...others,
    [`run:${runId}:tokens`]: { tokens: (spent?.tokens ?? 0) + tokens, time_ms: 0 },
    ...time,
  };
  const next = {
    ...goal,
    tokens_used: goal.tokens_used + tokens,
    time_used_ms: goal.time_used_ms + time_ms,
    accounted_usage: Object.fromEntries(Object.entries(accounted).slice(-2 * ACCOUNTED_RUNS)),
  };
  return revised(goal, next, nowMs);
}

export function isSpent({ token_budget, tokens_used }: SessionGoal): boolean {
  return token_budget !== undefined && tokens_used >= token_budget;
}

export function remainingTokens({ token_budget, tokens_used }: SessionGoal): number | undefined {
  return token_budget === undefined ? undefined : Math.max(0, token_budget - tokens_used);
}

/** What tools tell the model of a goal; null when there is none. */
export function toldGoal(goal: SessionGoal | undefined): JsonObject {
  const { accounted_usage: _asked, ...told } = goal ?? {};
  return {
    goal: goal === undefined ? null : (told as JsonObject),
    remaining_tokens: (goal && remainingTokens(goal)) ?? null,
  };
}

/** What kind of run the goal wants while its session is idle: more work, or the one report about a spent budget. */
export function wants(goal: SessionGoal): "work" | "wrap_up" | undefined {
  if (goal.status === "active") return "work";
  const owed = goal.status === "budget_limited" && goal.budget_wrapup_run_id === undefined;
  return owed ? "wrap_up" : undefined;
}

/** What a run carries of the goal it was created under, in `input_metadata.daemon` (01-R23). */
export function bindingOf(goal: SessionGoal): { goal_id: string; goal_version: number } {
  return { goal_id: goal.goal_id, goal_version: goal.definition_version };
}

interface BoundRun {
  run_id: string;
  input_metadata?: Json;
}

/** Whether a run's usage is the goal's: it was created under it, or created it. */
export function worksFor(run: BoundRun, goal: SessionGoal): boolean {
  return goal.created_by_run_id === run.run_id || daemonPart(run).goal_id === goal.goal_id;
}

/** A run completes only what it was bound to, or made itself (01-R71). */
export function mayComplete(run: BoundRun, goal: SessionGoal): boolean {
  if (goal.created_by_run_id === run.run_id) return true;
  const { goal_id, goal_version } = daemonPart(run);
  return goal_id === goal.goal_id && goal_version === goal.definition_version;
}

function daemonPart({ input_metadata: metadata }: BoundRun): { [key: string]: Json } {
  if (!isObject(metadata)) return {};
  return isObject(metadata.daemon) ? metadata.daemon : {};
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
