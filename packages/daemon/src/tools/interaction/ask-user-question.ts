import type { Tool } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { AskUserQuestionInput, foldQuestions, withDefaults } from "./question-input.ts";

export function askUserQuestionTool(): Tool {
  return defineTool({
    name: "ask_user_question",
    description:
      "Asks a person one to four questions with two to four options each, and waits for the answer, however long it takes. " +
      "The person may choose options, answer in their own words, or decline. Ask only what you cannot find out yourself.",
    schema: AskUserQuestionInput,
    fold: foldQuestions,
    effect: "idempotent",
    timeoutMs: 10_000,
    sandbox: "inherited",
    allowsParallel: false,
    boundary: "internal",
    async execute({ questions, expires_at_ms, expires_after_ms }, { clock }) {
      const now = clock.now();
      if (expires_at_ms !== undefined && expires_at_ms <= now)
        throw new ToolFailure(`expires_at_ms is over: it is ${now} now; nobody could answer in time`);
      const expiresAt = expires_after_ms === undefined ? expires_at_ms : now + expires_after_ms;
      return {
        kind: "ask",
        questions: withDefaults(questions),
        ...(expiresAt === undefined ? {} : { expires_at_ms: expiresAt }),
      };
    },
  });
}
