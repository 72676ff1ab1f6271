import type { GoalResponse, SessionGoal } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { age } from "../output/time.ts";

export function goalDetail({ goal, remaining_tokens: remaining }: GoalResponse, style: Style): string {
  if (goal === undefined) return "No goal.";
  return fields(
    [
      ["goal", goal.goal_id],
      ["status", goal.status.replaceAll("_", " ")],
      ["objective", goal.objective],
      ["tokens", spentText(goal)],
      ["remaining", remaining],
      ["time", `${Math.round(goal.time_used_ms / 1000)} s`],
      ["last run", goal.last_continuation_run_id],
      ["updated", age(goal.updated_at_ms, style.now)],
    ],
    style,
  );
}

/** A goal in one line, for the view of its session. */
export function goalText(goal: SessionGoal): string {
  return `${goal.status.replaceAll("_", " ")}, ${spentText(goal)} tokens: ${goal.objective}`;
}

function spentText({ tokens_used: used, token_budget: budget }: SessionGoal): string {
  return budget === undefined ? String(used) : `${used} of ${budget}`;
}
