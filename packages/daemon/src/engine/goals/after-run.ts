import type { SessionGoal } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import type { GoalRecord, Kept, RunRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { type ContinuationDeps, continueGoal, GOAL_RETRY_MS, remindOfGoal } from "./continuation.ts";
import { charged, isSpent, revised, wants, worksFor } from "./goal.ts";
import { goalIn, keepGoal } from "./keep.ts";

/** How a run ended, as far as the goal of its session cares. */
export type Ending =
  | { kind: "completed"; toolCalls: number }
  /** The budget was used up in the middle of the run. */
  | { kind: "out_of_budget" }
  /** `passing`: the same again may go well (01-R70). */
  | { kind: "failed"; passing: boolean }
  | { kind: "cancelled" | "interrupted" };

/** Continuations in a row that called no tool, after which the next ones are spaced out. */
const IDLE_STREAK = 3;
const IDLE_DELAY_MS = 1_000;
const MAX_IDLE_DELAY_MS = 600_000;

/**
 * What a run's end means for the goal of its session, in the commit that ends the run and after its slot was freed:
 * the time is charged, a spent budget limits the goal, and the next run begins when nobody else is at work
 * (01-R47, R68 to R70).
 */
export async function afterRun(
  deps: ContinuationDeps,
  change: SessionChange,
  run: Kept<"run">,
  ending: Ending,
): Promise<void> {
  const before = await goalIn(deps.store, change, run.data.session_id);
  if (before === undefined || run.data.started_at_ms === undefined) return;
  const settled = settle(before.goal, run.data, run.data.started_at_ms, ending, change.now);
  const record = { ...before, goal: settled, idle_streak: idleStreak(before, run.id, ending) };
  const goal = await next(deps, change, record, run.id, ending);
  if (goal !== before.goal) keepGoal(change, { ...record, goal });
}

/** Who interrupts a session wants quiet (01-R18). */
export async function pauseGoal(store: Store, change: SessionChange, sessionId: string): Promise<void> {
  const record = await goalIn(store, change, sessionId);
  if (record?.goal.status === "active")
    keepGoal(change, { ...record, goal: paused(record.goal, change.now) });
}

function paused(goal: SessionGoal, nowMs: number): SessionGoal {
  return revised(goal, { ...goal, status: "paused" }, nowMs);
}

function settle(
  goal: SessionGoal,
  run: RunRecord,
  startedAtMs: number,
  ending: Ending,
  nowMs: number,
): SessionGoal {
  const timeMs = nowMs - Math.max(startedAtMs, goal.created_at_ms);
  const used = worksFor(run, goal) ? charged(goal, run.run_id, { time_ms: timeMs }, nowMs) : goal;
  if (used.status !== "active") return used;
  if (ending.kind === "interrupted" || failedForGood(used, run, ending)) {
    return paused(used, nowMs);
  }
  if (!isSpent(used)) return used;
  const limited = { ...used, status: "budget_limited" as const, budget_limited_by_run_id: run.run_id };
  return revised(used, limited, nowMs);
}

/** A continuation that failed for good would fail again (01-R70). */
function failedForGood(goal: SessionGoal, run: RunRecord, ending: Ending): boolean {
  return ending.kind === "failed" && !ending.passing && goal.last_continuation_run_id === run.run_id;
}

function idleStreak({ goal, idle_streak }: GoalRecord, runId: string, ending: Ending): number {
  const idle =
    ending.kind === "completed" && ending.toolCalls === 0 && goal.last_continuation_run_id === runId;
  return idle ? idle_streak + 1 : 0;
}

/** Who cancels or interrupts wants quiet; a continuation that failed is tried again later; an idle model is not hurried. */
async function next(
  deps: ContinuationDeps,
  change: SessionChange,
  { goal, idle_streak }: GoalRecord,
  runId: string,
  ending: Ending,
): Promise<SessionGoal> {
  if (wants(goal) === undefined || ending.kind === "cancelled" || ending.kind === "interrupted") return goal;
  if (ending.kind === "failed" && goal.last_continuation_run_id === runId) {
    remindOfGoal(change, goal, GOAL_RETRY_MS);
    return goal;
  }
  if (idle_streak < IDLE_STREAK || goal.status !== "active") return continueGoal(deps, change, goal, runId);
  remindOfGoal(change, goal, Math.min(MAX_IDLE_DELAY_MS, IDLE_DELAY_MS * 2 ** (idle_streak - IDLE_STREAK)));
  return goal;
}
