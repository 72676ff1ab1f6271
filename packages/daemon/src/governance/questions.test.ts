import { UserQuestionRequest, UserQuestionResolution } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { checkAnswers, renderAnswer } from "./questions.ts";

const request = UserQuestionRequest.parse({
  id: "question-request-call-1",
  tool_call_id: "call-1",
  questions: [
    {
      id: "env",
      header: "Environment",
      question: "Where to?",
      options: [
        { id: "prod", label: "Production", description: "the real one" },
        { id: "test", label: "Test" },
      ],
      multi_select: false,
    },
    {
      id: "parts",
      header: "Parts",
      question: "What?",
      options: [
        { id: "api", label: "API" },
        { id: "web", label: "Web" },
      ],
      multi_select: true,
    },
  ],
  created_at_ms: 1,
});

const env = { question_id: "env", selected_option_ids: ["prod"] };
const parts = { question_id: "parts", selected_option_ids: ["api"] };
const resolution = (fields: object) => UserQuestionResolution.parse({ request_id: request.id, ...fields });
const code = (fields: object) => checkAnswers(request, resolution(fields))?.code;

describe("answers", () => {
  it.each<[string, object, string | undefined]>([
    ["complete", { answers: [parts, env] }, undefined],
    ["declined", { declined: true, justification: "no" }, undefined],
    ["for another request", { request_id: "other", answers: [] }, "question_request_mismatch"],
    ["declined with answers", { declined: true, answers: [env] }, "question_declined_with_answers"],
    ["twice for one question", { answers: [env, env, parts] }, "question_duplicate_answer"],
    ["missing", { answers: [env] }, "question_answer_missing"],
    [
      "too many for single-select",
      { answers: [{ ...env, selected_option_ids: ["prod", "test"] }, parts] },
      "question_single_select_violation",
    ],
    [
      "with an option twice",
      { answers: [env, { ...parts, selected_option_ids: ["api", "api"] }] },
      "question_duplicate_option",
    ],
    [
      "with an unknown option",
      { answers: [{ ...env, selected_option_ids: ["moon"] }, parts] },
      "question_option_not_found",
    ],
    ["empty", { answers: [{ question_id: "env" }, parts] }, "question_answer_empty"],
    ["blank", { answers: [{ question_id: "env", freeform_answer: " " }, parts] }, "question_answer_empty"],
    [
      "for a question that is not there",
      { answers: [env, parts, { question_id: "why", freeform_answer: "x" }] },
      "question_unknown_answer",
    ],
  ])("03-R38: %s", (_, fields, expected) => {
    expect(code(fields)).toBe(expected);
  });

  it.each<[string, object, string]>([
    [
      "the request id before declining",
      { request_id: "other", declined: true, answers: [env] },
      "question_request_mismatch",
    ],
    [
      "declining before duplicates",
      { declined: true, answers: [env, env] },
      "question_declined_with_answers",
    ],
    ["duplicates before missing ones", { answers: [env, env] }, "question_duplicate_answer"],
    [
      "the count before doubled options",
      { answers: [{ ...env, selected_option_ids: ["prod", "prod"] }] },
      "question_single_select_violation",
    ],
    [
      "doubled options before unknown ones",
      { answers: [env, { ...parts, selected_option_ids: ["moon", "moon"] }] },
      "question_duplicate_option",
    ],
    [
      "questions in their order, each to its end",
      { answers: [{ ...env, selected_option_ids: ["moon"] }] },
      "question_option_not_found",
    ],
    [
      "every question before unknown answers",
      { answers: [env, { question_id: "why", freeform_answer: "x" }] },
      "question_answer_missing",
    ],
  ])("03-R38: checks %s", (_, fields, expected) => {
    expect(code(fields)).toBe(expected);
  });

  it("03-R38: are refused with the status of the registry and words that name the question", () => {
    expect(checkAnswers(request, resolution({ answers: [env] }))).toMatchObject({
      status: 400,
      domain: "questions",
      message: "question 'parts' has no answer",
    });
  });

  it("03-R39: may combine options with words, or be words alone", () => {
    expect(code({ answers: [{ ...env, freeform_answer: "but carefully" }, parts] })).toBeUndefined();
    expect(code({ answers: [{ question_id: "env", freeform_answer: "nowhere" }, parts] })).toBeUndefined();
  });
});

describe("what the model reads of an answer", () => {
  it("says who declined, and why", () => {
    expect(renderAnswer(request, resolution({ declined: true, justification: "not now" }))).toEqual({
      request_id: request.id,
      declined: true,
      justification: "not now",
    });
    expect(renderAnswer(request, resolution({ declined: true }))).toMatchObject({ justification: null });
  });

  it("lists the answers in the order of the questions, with a line for each", () => {
    const answered = resolution({
      answers: [
        { question_id: "parts", selected_option_ids: ["web", "api"], freeform_answer: "both" },
        { question_id: "env", freeform_answer: "staging" },
      ],
    });
    expect(renderAnswer(request, answered)).toEqual({
      request_id: request.id,
      declined: false,
      summary: "Where to?: staging\nWhat?: Web, API",
      answers: [
        {
          question_id: "env",
          header: "Environment",
          question: "Where to?",
          selected_option_ids: [],
          selected_options: [],
          freeform_answer: "staging",
        },
        {
          question_id: "parts",
          header: "Parts",
          question: "What?",
          selected_option_ids: ["web", "api"],
          selected_options: [
            { id: "web", label: "Web", description: null },
            { id: "api", label: "API", description: null },
          ],
          freeform_answer: "both",
        },
      ],
      justification: null,
    });
  });
});
