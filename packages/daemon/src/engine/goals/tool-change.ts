import type { Json, SessionGoal } from "@kheish/contract";
import { newGoalId } from "../commands/goals.ts";
import type { Driver } from "../loop/driver.ts";
import type { GoalChange } from "../ports.ts";
import type { SessionChange } from "../session-change.ts";
import { mayComplete, newGoal, revised, toldGoal } from "./goal.ts";
import { keepGoal, keepNewGoal } from "./keep.ts";

interface ToolResultParts {
  output: Json;
  is_error: boolean;
}

/** Carries out what a tool asks of the session's goal, in the commit that keeps the call's result. */
export async function changeGoal(
  driver: Driver,
  change: SessionChange,
  wanted: GoalChange,
): Promise<ToolResultParts> {
  return wanted.type === "create" ? create(driver, change, wanted) : complete(driver, change);
}

async function create(
  driver: Driver,
  change: SessionChange,
  { objective, token_budget }: Extract<GoalChange, { type: "create" }>,
): Promise<ToolResultParts> {
  if (change.goal !== undefined) return refused("the session has a goal already; see get_goal");
  const definition = {
    goal_id: await newGoalId(driver.deps.store, change.now),
    session_id: driver.sessionId,
    objective,
    status: "active" as const,
    ...(token_budget === undefined ? {} : { token_budget }),
    created_by_run_id: driver.run.id,
  };
  return shown(keepNewGoal(change, newGoal(definition, change.now)).goal);
}

/** 01-R71. Said twice is said once. */
function complete({ run }: Driver, change: SessionChange): ToolResultParts {
  const record = change.goal;
  if (record === undefined) return refused("the session has no goal");
  const { goal } = record;
  if (goal.completed_by_run_id === run.id) return shown(goal);
  if (!mayComplete(run.data, goal)) {
    return refused(
      "the goal was changed since this run began; only a run that was begun for it may complete it",
    );
  }
  const completed = { ...goal, status: "complete" as const, completed_by_run_id: run.id };
  const next = revised(goal, completed, change.now);
  keepGoal(change, { ...record, goal: next });
  return shown(next);
}

function refused(error: string): ToolResultParts {
  return { output: { error }, is_error: true };
}

function shown(goal: SessionGoal): ToolResultParts {
  return { output: toldGoal(goal), is_error: false };
}
