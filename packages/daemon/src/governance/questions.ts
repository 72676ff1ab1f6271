import {
  type Json,
  type JsonObject,
  type Problem,
  problem,
  type QuestionAnswer,
  type UserQuestion,
  type UserQuestionRequest,
  type UserQuestionResolution,
} from "@kheish/contract";

/** The first thing that is wrong with an answer, in the fixed order of 03-R38; undefined when it may be taken. */
export function checkAnswers(
  request: UserQuestionRequest,
  resolution: UserQuestionResolution,
): Problem | undefined {
  if (resolution.request_id !== request.id)
    return problem(
      "questions",
      "question_request_mismatch",
      `the pending request is '${request.id}', not '${resolution.request_id}'`,
    );
  if (resolution.declined)
    return resolution.answers.length === 0
      ? undefined
      : problem("questions", "question_declined_with_answers", "a declined request takes no answers");
  return (
    duplicateAnswer(resolution) ?? firstBadAnswer(request, resolution) ?? unknownAnswer(request, resolution)
  );
}

function duplicateAnswer({ answers }: UserQuestionResolution): Problem | undefined {
  const id = firstRepeated(answers.map((answer) => answer.question_id));
  return id === undefined
    ? undefined
    : problem("questions", "question_duplicate_answer", `question '${id}' is answered twice`);
}

function firstBadAnswer(
  request: UserQuestionRequest,
  resolution: UserQuestionResolution,
): Problem | undefined {
  for (const question of request.questions) {
    const found = checkAnswer(question, answerTo(question, resolution));
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkAnswer(question: UserQuestion, answer: QuestionAnswer | undefined): Problem | undefined {
  const about = `question '${question.id}'`;
  if (answer === undefined) return problem("questions", "question_answer_missing", `${about} has no answer`);
  const chosen = answer.selected_option_ids;
  if (!question.multi_select && chosen.length > 1)
    return problem(
      "questions",
      "question_single_select_violation",
      `${about} takes one option, not ${chosen.length}`,
    );
  const twice = firstRepeated(chosen);
  if (twice !== undefined)
    return problem("questions", "question_duplicate_option", `${about} has option '${twice}' twice`);
  const unknown = chosen.find((id) => question.options.every((option) => option.id !== id));
  if (unknown !== undefined)
    return problem("questions", "question_option_not_found", `${about} has no option '${unknown}'`);
  return chosen.length === 0 && isBlank(answer.freeform_answer)
    ? problem("questions", "question_answer_empty", `${about} needs an option or an answer in words`)
    : undefined;
}

function unknownAnswer(
  request: UserQuestionRequest,
  { answers }: UserQuestionResolution,
): Problem | undefined {
  const unknown = answers.find((answer) =>
    request.questions.every((question) => question.id !== answer.question_id),
  );
  return unknown === undefined
    ? undefined
    : problem("questions", "question_unknown_answer", `there is no question '${unknown.question_id}'`);
}

/** The tool result that the model reads. The resolution has passed `checkAnswers`. */
export function renderAnswer(request: UserQuestionRequest, resolution: UserQuestionResolution): Json {
  const justification = resolution.justification ?? null;
  if (resolution.declined) return { request_id: request.id, declined: true, justification };
  const answers = request.questions.map((question) => renderOne(question, answerTo(question, resolution)));
  return {
    request_id: request.id,
    declined: false,
    summary: answers.map(({ line }) => line).join("\n"),
    answers: answers.map(({ view }) => view),
    justification,
  };
}

function renderOne(
  question: UserQuestion,
  answer: QuestionAnswer | undefined,
): { line: string; view: JsonObject } {
  const ids = answer?.selected_option_ids ?? [];
  const options = ids.flatMap((id) => question.options.filter((option) => option.id === id));
  const freeform = answer?.freeform_answer;
  const said = options.length > 0 ? options.map((option) => option.label).join(", ") : (freeform ?? "");
  return {
    line: `${question.question}: ${said}`,
    view: {
      question_id: question.id,
      header: question.header,
      question: question.question,
      selected_option_ids: ids,
      selected_options: options.map(({ id, label, description }) => ({
        id,
        label,
        description: description ?? null,
      })),
      freeform_answer: freeform ?? null,
    },
  };
}

function answerTo(question: UserQuestion, { answers }: UserQuestionResolution): QuestionAnswer | undefined {
  return answers.find((answer) => answer.question_id === question.id);
}

function firstRepeated(values: readonly string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) < index);
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === "";
}
