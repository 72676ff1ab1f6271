import type { ProblemDetails, QuestionAnswer, RunView } from "@kheish/contract";
import type { Client, Reply } from "./client.ts";
import { of } from "./params.ts";
import { FIRST_QUESTION, say, script, use } from "./script.ts";

type Answer = Partial<QuestionAnswer> & Pick<QuestionAnswer, "question_id">;

/** A run of this asks two questions, the second of which takes several options, and ends with what it was told. */
export const TWO_QUESTIONS = script(
  use("ask_user_question", {
    questions: [
      { question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] },
      {
        question: "Which sizes?",
        header: "Sizes",
        multi_select: true,
        options: [{ label: "S" }, { label: "M" }, { label: "L" }],
      },
    ],
  }),
  say("{{last_tool_output}}"),
);
export const COLOUR = { question_id: "question-1", selected_option_ids: ["option-1"] };
export const OTHER_COLOUR = { question_id: "question-1", selected_option_ids: ["option-2"] };
export const SIZES = { question_id: "question-2", selected_option_ids: ["option-1", "option-3"] };

/** The body that answers the question of a first turn. */
export function answers(...given: Answer[]) {
  return { resolution: { request_id: FIRST_QUESTION, answers: given } };
}

/** What a run's answer says that it was told. */
export function toldTo(run: RunView): {
  answers: { selected_option_ids: string[] }[];
  [member: string]: unknown;
} {
  return JSON.parse(run.outputs?.[0]?.content ?? "null");
}

/** Answers the questions of runs, as one of their callers. */
export class Answerer {
  readonly #api: Client;

  constructor(api: Client) {
    this.#api = api;
  }

  answer(run: RunView, ...given: Answer[]): Promise<RunView> {
    return this.#api.call("answerRunQuestion", { ...of(run.run_id), body: answers(...given) });
  }

  /** The refusal of a body of any shape. */
  refusal(run: RunView, body: unknown): Promise<ProblemDetails> {
    return this.#api.refusal("answerRunQuestion", { ...of(run.run_id), body });
  }

  /** An answer that may be taken or refused. */
  attempt(run: RunView, ...given: Answer[]): Promise<Reply> {
    return this.#api.post(`/v1/runs/${run.run_id}/questions`, answers(...given));
  }
}

/** The parameters of a question's cancellation. */
export function cancellation(run: RunView, request_id = FIRST_QUESTION) {
  return { params: { run_id: run.run_id, request_id } };
}
