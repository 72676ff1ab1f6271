import type { UserQuestionRequest } from "@kheish/contract";
import type { CallState } from "./state.ts";

/** What an operator may say about an effect whose outcome a crash hid (policy `ask_operator`). */
export const UNKNOWN_EFFECT_OPTIONS = {
  happened: "happened",
  runAgain: "run_again",
  tellModel: "tell_model",
} as const;

export function unknownEffectQuestion(call: CallState, nowMs: number): UserQuestionRequest {
  const { id, name, input } = call.call;
  return {
    id: `question-request-${id}-outcome-${call.attempt}`,
    tool_call_id: id,
    created_at_ms: nowMs,
    questions: [
      {
        id: "question-1",
        header: "Outcome unknown",
        question: `${name} was running when it was cut off, so nobody knows whether it took effect. Its input was ${JSON.stringify(input).slice(0, 500)}. What should the run assume?`,
        multi_select: false,
        options: [
          {
            id: UNKNOWN_EFFECT_OPTIONS.happened,
            label: "It happened",
            description: "Go on as if it had succeeded",
          },
          { id: UNKNOWN_EFFECT_OPTIONS.runAgain, label: "Run it again", description: "It did not happen" },
          {
            id: UNKNOWN_EFFECT_OPTIONS.tellModel,
            label: "Let the model decide",
            description: "Tell it that the outcome is unknown",
          },
        ],
      },
    ],
  };
}
