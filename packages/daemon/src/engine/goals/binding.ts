import { type Json, type JsonObject, problem, type SessionGoal } from "@kheish/contract";
import { bindingOf } from "./goal.ts";

/** Whether metadata has room for the daemon's own part. */
export function isBindable(metadata: Json | undefined): metadata is JsonObject | undefined {
  return (
    metadata === undefined || (typeof metadata === "object" && metadata !== null && !Array.isArray(metadata))
  );
}

/** Check (7) of 01-R20, for metadata that has no room. */
export function refuseUnderGoal(goal: SessionGoal | undefined): void {
  if (goal === undefined) return;
  throw problem(
    "goals",
    "goal_invalid_request",
    "the session has a goal that its runs are bound to by their metadata: metadata must be an object or null",
  );
}

/** A run of a session with a goal says so in its metadata (01-R23). */
export function boundMetadata(goal: SessionGoal | undefined, metadata: Json | undefined): Json | undefined {
  if (!isBindable(metadata)) refuseUnderGoal(goal);
  else if (goal !== undefined) return { ...metadata, daemon: bindingOf(goal) };
  return metadata;
}
