import type { Driver } from "../loop/driver.ts";
import type { Usage } from "../messages.ts";
import type { SessionChange } from "../session-change.ts";
import { charged, isSpent, worksFor } from "./goal.ts";

/**
 * Charges one model call to the goal its run works for, in the commit that keeps the answer (01, weakness 4).
 * The answer's own event says how much it was, so this one adds none.
 */
export function chargeCall({ run }: Driver, change: SessionChange, usage: Usage | undefined): void {
  const record = change.goal;
  if (record === undefined || usage === undefined || !worksFor(run.data, record.goal)) return;
  const tokens = usage.input_tokens - (usage.cached_input_tokens ?? 0) + usage.output_tokens;
  change.keepGoal({ ...record, goal: charged(record.goal, run.id, { tokens }, change.now) });
}

/** Whether the run must stop before its next model call: what it works for has nothing left to spend. */
export function outOfBudget({ run }: Driver, change: SessionChange): boolean {
  const goal = change.goal?.goal;
  return goal !== undefined && goal.status === "active" && isSpent(goal) && worksFor(run.data, goal);
}

/** The one run in which the model reports about a spent budget. */
export function isWrapUp({ run }: Driver, change: SessionChange): boolean {
  return change.goal?.goal.budget_wrapup_run_id === run.id;
}
