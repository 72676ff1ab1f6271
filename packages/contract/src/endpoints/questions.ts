import { listOf } from "../pagination.ts";
import {
  CancelQuestionRequest,
  PendingQuestionView,
  QuestionListQuery,
  ResolveQuestionRequest,
} from "../questions.ts";
import { RunView } from "../runs.ts";
import { SessionView } from "../sessions.ts";
import { define, run, session } from "./parts.ts";

export const questionsEndpoints = define({
  listQuestions: {
    method: "GET",
    path: "/v1/questions",
    tag: "questions",
    summary: "Pending questions",
    access: "read",
    query: QuestionListQuery,
    narrowed: [{ from: "query", field: "session_id", resource: "sessions/{session_id}/questions" }],
    responses: { 200: listOf(PendingQuestionView) },
  },
  listSessionQuestions: {
    method: "GET",
    path: `${session}/questions`,
    tag: "questions",
    summary: "Pending questions of a session",
    access: "read",
    query: QuestionListQuery,
    responses: { 200: listOf(PendingQuestionView) },
  },
  answerRunQuestion: {
    method: "POST",
    path: `${run}/questions`,
    tag: "questions",
    summary: "Answer a pending question",
    access: "admin",
    body: ResolveQuestionRequest,
    idempotent: true,
    responses: { 202: RunView },
  },
  answerSessionQuestion: {
    method: "POST",
    path: `${session}/questions`,
    tag: "questions",
    summary: "Answer and wait until the run settles or waits",
    access: "admin",
    body: ResolveQuestionRequest,
    idempotent: true,
    responses: { 200: SessionView },
  },
  cancelRunQuestion: {
    method: "POST",
    path: `${run}/questions/{request_id}/cancel`,
    tag: "questions",
    summary: "Cancel a pending question and with it the run",
    access: "admin",
    body: CancelQuestionRequest,
    bodyOptional: true,
    idempotent: true,
    responses: { 200: RunView },
  },
});
