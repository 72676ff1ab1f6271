import type { GoalResponse, SessionGoal } from "@kheish/contract";
import { eventAt, type RecordedEvent, remainingTokens } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";

export function goalView(goal: SessionGoal | undefined): GoalResponse {
  if (goal === undefined) return {};
  const remaining = remainingTokens(goal);
  return { goal, ...(remaining === undefined ? {} : { remaining_tokens: remaining }) };
}

type GoalEvent = Extract<RecordedEvent, { type: "goal_set" | "goal_moved" | "goal_cleared" }>;

/** The goal as an event left it, live and replayed alike. */
export async function goalAt(store: Store, sessionId: string, event: GoalEvent): Promise<SessionGoal | null> {
  if (event.type === "goal_cleared") return null;
  if (event.type === "goal_set") return event.data.goal;
  const set = await eventAt(store, sessionId, event.data.objective_seq);
  if (set.type !== "goal_set") throw new Error(`event ${set.seq} of session '${sessionId}' sets no goal`);
  return { ...event.data.goal, objective: set.data.goal.objective };
}
