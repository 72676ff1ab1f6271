import { type Json, problem, type SessionGoal } from "@kheish/contract";
import { bindingOf } from "./goal.ts";

/** Check (7) of 01-R20: a run of a session with a goal says so in its metadata, which must have room for it (01-R23). */
export function boundMetadata(goal: SessionGoal | undefined, metadata: Json | undefined): Json | undefined {
  if (goal === undefined) return metadata;
  if (metadata !== undefined && (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))) {
    throw problem(
      "goals",
      "goal_invalid_request",
      "the session has a goal that its runs are bound to by their metadata: metadata must be an object or null",
    );
  }
  return { ...metadata, daemon: bindingOf(goal) };
}
