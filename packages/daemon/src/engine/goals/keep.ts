import type { SessionGoal } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import type { GoalNews } from "../events.ts";
import { type GoalRecord, read } from "../records.ts";
import type { SessionChange } from "../session-change.ts";

/** The goal as a change has it so far; read once for each change. */
export async function goalIn(
  store: Store,
  change: SessionChange,
  sessionId: string,
): Promise<GoalRecord | undefined> {
  if (!change.knowsGoal) change.attachGoal(await read(store, "goal", sessionId));
  return change.goal;
}

/** Keeps a goal with an objective that the journal has not seen yet. */
export function keepNewGoal(change: SessionChange, goal: SessionGoal): GoalRecord {
  const record = { goal, objective_seq: change.emit("goal_set", { goal: newsOf(goal) }), idle_streak: 0 };
  change.keepGoal(record);
  return record;
}

/** Keeps a goal that moved. Its objective stands in the journal already. */
export function keepGoal(change: SessionChange, record: GoalRecord): void {
  const { objective: _told, ...goal } = newsOf(record.goal);
  change.emit("goal_moved", { goal, objective_seq: record.objective_seq });
  change.keepGoal(record);
}

/** Who was charged what is for those who ask; it would make every event as long as the history of the goal. */
function newsOf(goal: SessionGoal): GoalNews {
  const { accounted_usage: _asked, ...news } = goal;
  return news;
}
