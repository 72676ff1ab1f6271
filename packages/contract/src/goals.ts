import { z } from "zod";
import { Millis } from "./json.ts";

/** Code points of an objective, trimmed (01, Limits). */
export const MAX_OBJECTIVE_CHARACTERS = 8_000;

/** Only the daemon says `budget_limited`. */
export const GoalStatus = z.enum(["active", "paused", "budget_limited", "complete"]);
export type GoalStatus = z.infer<typeof GoalStatus>;

/** The standing objective of a session; at most one (01, SessionGoal). */
export const SessionGoal = z
  .object({
    goal_id: z.string(),
    session_id: z.string(),
    objective: z.string(),
    status: GoalStatus,
    token_budget: z.int().positive().optional(),
    tokens_used: z.int().describe("input that no cache had, and output, over every model call"),
    time_used_ms: z.int(),
    created_at_ms: Millis,
    updated_at_ms: Millis,
    version: z.int().describe("grows with every change, accounting included; what a patch expects"),
    definition_version: z.int().describe("grows with objective, status and budget only"),
    created_by_run_id: z.string().optional(),
    completed_by_run_id: z.string().optional(),
    last_continuation_run_id: z.string().optional(),
    budget_limited_by_run_id: z.string().optional(),
    budget_wrapup_run_id: z.string().optional(),
    accounted_usage: z
      .record(z.string(), z.object({ tokens: z.int(), time_ms: z.int() }))
      .optional()
      .describe("what the newest runs were charged, as run:<id>:tokens and run:<id>:time; not in events"),
  })
  .meta({ id: "SessionGoal" });
export type SessionGoal = z.infer<typeof SessionGoal>;

const Objective = z.string().meta({ minLength: 1, maxLength: MAX_OBJECTIVE_CHARACTERS });
/** What may be asked for; the service says why the fourth may not. */
const WantedStatus = GoalStatus.meta({ enum: ["active", "paused", "complete"] });

export const SetGoalRequest = z
  .strictObject({
    objective: Objective,
    status: WantedStatus.optional().describe("default active"),
    token_budget: z.int().nullish(),
  })
  .meta({ id: "SetGoalRequest" });
export type SetGoalRequest = z.infer<typeof SetGoalRequest>;

export const PatchGoalRequest = z
  .strictObject({
    objective: Objective.optional(),
    status: WantedStatus.optional(),
    token_budget: z.int().optional(),
    clear_token_budget: z.boolean().optional(),
    expected_goal_id: z.string().optional().describe("needed by every change"),
    expected_version: z.int().optional().describe("needed by every change"),
    require_no_active_runs: z.boolean().optional().describe("needed by status=complete"),
  })
  .meta({ id: "PatchGoalRequest" });
export type PatchGoalRequest = z.infer<typeof PatchGoalRequest>;

/** Empty when the session has no goal. */
export const GoalResponse = z
  .object({ goal: SessionGoal.optional(), remaining_tokens: z.int().optional() })
  .meta({ id: "GoalResponse" });
export type GoalResponse = z.infer<typeof GoalResponse>;
