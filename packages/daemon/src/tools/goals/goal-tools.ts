import { MAX_OBJECTIVE_CHARACTERS } from "@kheish/contract";
import { z } from "zod";
import { toldGoal } from "../../engine/goals/goal.ts";
import type { Tool } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { success } from "../outcome.ts";

const CreateGoalInput = z.strictObject({
  objective: z
    .string()
    .trim()
    .min(1)
    .refine((text) => [...text].length <= MAX_OBJECTIVE_CHARACTERS, {
      error: `at most ${MAX_OBJECTIVE_CHARACTERS} characters`,
    })
    .describe("What shall be reached, so that it can be checked. At most 8000 characters."),
  token_budget: z.int().positive().optional().describe("Tokens that the work may use in total."),
});

const UpdateGoalInput = z.strictObject({
  status: z.literal("complete").describe("The goal is reached, and you have checked that it is."),
});

const shared = { timeoutMs: 10_000, sandbox: "inherited" } as const;

/** What a model may do about the goal of its session. The rules are the engine's: a tool only says what is wanted. */
export function goalTools(): Tool[] {
  return [
    defineTool({
      ...shared,
      name: "get_goal",
      description: "The session's goal and the tokens that are left of its budget; null when there is none.",
      schema: z.strictObject({}),
      effect: "read",
      allowsParallel: true,
      boundary: "internal",
      async execute(_input, { goal }) {
        return success(toldGoal(goal));
      },
    }),
    defineTool({
      ...shared,
      name: "create_goal",
      description:
        "Gives the session a goal that the daemon keeps working on, run after run, until it is complete. " +
        "Only when the user asks for lasting work; fails if the session has a goal.",
      schema: CreateGoalInput,
      effect: "idempotent",
      allowsParallel: false,
      boundary: "internal",
      async execute({ objective, token_budget }) {
        const budget = token_budget === undefined ? {} : { token_budget };
        return { kind: "goal", change: { type: "create", objective, ...budget } };
      },
    }),
    defineTool({
      ...shared,
      name: "update_goal",
      description: "Marks the session's goal as complete. Check first that it is reached.",
      schema: UpdateGoalInput,
      effect: "idempotent",
      allowsParallel: false,
      boundary: "internal",
      async execute() {
        return { kind: "goal", change: { type: "complete" } };
      },
    }),
  ];
}
