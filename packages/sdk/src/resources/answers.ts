import type { QuestionAnswer, UserQuestionRequest } from "@kheish/contract";
import { KheishError } from "../errors.ts";

/** For each question the ids of the chosen options, or words of one's own. Words alone answer the only question. */
export type Answers = string | Readonly<Record<string, string | readonly string[]>>;

export interface RequestAnswers {
  request_id: string;
  answers: QuestionAnswer[];
}

/** Answers by the requests that asked; throws, before anything is sent, where one answers nothing that was asked. */
export function answersFor(pending: readonly UserQuestionRequest[], given: Answers): RequestAnswers[] {
  const asked = pending.flatMap((request) =>
    request.questions.map((question) => ({ request_id: request.id, question_id: question.id })),
  );
  if (asked.length === 0) throw new KheishError("the run waits for no answer");
  const byQuestion = typeof given === "string" ? { [onlyQuestion(asked)]: given } : given;
  const found = Object.entries(byQuestion).map(([id, answer]) => ({ ...placeOf(asked, id), answer }));
  const requests = [...new Set(found.map(({ request_id }) => request_id))];
  return requests.map((request_id) => ({
    request_id,
    answers: found
      .filter((one) => one.request_id === request_id)
      .map(({ question_id, answer }) => answerTo(question_id, answer)),
  }));
}

interface Asked {
  request_id: string;
  question_id: string;
}

function onlyQuestion(asked: readonly Asked[]): string {
  const [only, second] = asked;
  if (only === undefined || second !== undefined)
    throw new KheishError(`${asked.length} questions wait: say which answer is for which`);
  return only.question_id;
}

/** Ids of questions count within their request only, so two requests may ask under the same one. */
function placeOf(asked: readonly Asked[], questionId: string): Asked {
  const [place, other] = asked.filter(({ question_id }) => question_id === questionId);
  if (place === undefined) {
    const known = asked.map(({ question_id }) => question_id).join(", ");
    throw new KheishError(`the run asks no question '${questionId}'; it asks ${known}`);
  }
  if (other !== undefined)
    throw new KheishError(`two requests ask a question '${questionId}': use api.answerRunQuestion for each`);
  return place;
}

function answerTo(question_id: string, answer: string | readonly string[]): QuestionAnswer {
  return typeof answer === "string"
    ? { question_id, selected_option_ids: [], freeform_answer: answer }
    : { question_id, selected_option_ids: [...answer] };
}
