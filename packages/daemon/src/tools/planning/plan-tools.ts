import { z } from "zod";
import type { Tool } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";

const MAX_PLAN_CHARS = 100_000;

const EnterPlanModeInput = z.strictObject({
  note: z.string().max(4_000).optional().describe("What is to be planned, in a sentence."),
});

const ExitPlanModeInput = z.strictObject({
  plan: z
    .string()
    .trim()
    .min(1)
    .max(MAX_PLAN_CHARS)
    .describe("The plan, whole: whoever approves it reads this."),
  summary: z.string().max(4_000).optional().describe("The plan in a sentence or two."),
});

const shared = {
  boundary: "internal",
  effect: "idempotent",
  timeoutMs: 10_000,
  sandbox: "inherited",
  allowsParallel: false,
} as const;

/** Planning before doing (03-R28). The rules are the engine's: a tool only says what is wanted. */
export function planTools(): Tool[] {
  return [
    defineTool({
      ...shared,
      name: "enter_plan_mode",
      description:
        "Begins planning: until exit_plan_mode only tools that read or coordinate may be used. " +
        "For work that should be agreed on before anything is changed.",
      schema: EnterPlanModeInput,
      async execute({ note }) {
        return { kind: "plan", change: { type: "enter", ...(note === undefined ? {} : { note }) } };
      },
    }),
    defineTool({
      ...shared,
      name: "exit_plan_mode",
      description: "Hands in the plan and ends planning. Somebody has to approve it before the work begins.",
      schema: ExitPlanModeInput,
      async execute({ plan, summary }) {
        return {
          kind: "plan",
          change: { type: "exit", plan, ...(summary === undefined ? {} : { summary }) },
        };
      },
    }),
  ];
}
