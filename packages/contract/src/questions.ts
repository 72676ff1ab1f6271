import { z } from "zod";
import { Millis } from "./json.ts";
import { IdempotencyKey, ListQuery } from "./pagination.ts";

export const QuestionOption = z
  .object({
    id: z.string(),
    label: z.string(),
    description: z.string().optional(),
    preview: z.string().optional(),
  })
  .meta({ id: "QuestionOption" });
export type QuestionOption = z.infer<typeof QuestionOption>;

export const UserQuestion = z
  .object({
    id: z.string(),
    header: z.string(),
    question: z.string(),
    options: z.array(QuestionOption),
    multi_select: z.boolean(),
  })
  .meta({ id: "UserQuestion" });
export type UserQuestion = z.infer<typeof UserQuestion>;

export const UserQuestionRequest = z
  .object({
    id: z.string(),
    tool_call_id: z.string(),
    questions: z.array(UserQuestion),
    created_at_ms: Millis,
    expires_at_ms: Millis.optional(),
  })
  .meta({ id: "UserQuestionRequest" });
export type UserQuestionRequest = z.infer<typeof UserQuestionRequest>;

export const QuestionAnswer = z
  .strictObject({
    question_id: z.string(),
    selected_option_ids: z.array(z.string()).default([]),
    freeform_answer: z.string().optional(),
  })
  .meta({ id: "QuestionAnswer" });
export type QuestionAnswer = z.infer<typeof QuestionAnswer>;

export const UserQuestionResolution = z
  .strictObject({
    request_id: z.string().min(1),
    answers: z.array(QuestionAnswer).default([]),
    declined: z.boolean().default(false),
    justification: z.string().optional(),
  })
  .meta({ id: "UserQuestionResolution" });
export type UserQuestionResolution = z.infer<typeof UserQuestionResolution>;

export const ResolveQuestionRequest = z
  .strictObject({ idempotency_key: IdempotencyKey.optional(), resolution: UserQuestionResolution })
  .meta({ id: "ResolveQuestionRequest" });
export type ResolveQuestionRequest = z.infer<typeof ResolveQuestionRequest>;

export const CancelQuestionRequest = z
  .strictObject({ idempotency_key: IdempotencyKey.optional(), justification: z.string().optional() })
  .meta({ id: "CancelQuestionRequest" });
export type CancelQuestionRequest = z.infer<typeof CancelQuestionRequest>;

export const PendingQuestionView = z
  .object({
    session_id: z.string(),
    agent_id: z.string(),
    run_id: z.string().optional(),
    run_kind: z.string().optional(),
    requester_project_ids: z.array(z.string()),
    requester_channel_ids: z.array(z.string()),
    parent_project_ids: z.array(z.string()),
    parent_channel_ids: z.array(z.string()),
    request: UserQuestionRequest,
  })
  .meta({ id: "PendingQuestionView" });
export type PendingQuestionView = z.infer<typeof PendingQuestionView>;

export const QuestionListQuery = ListQuery.extend({ session_id: z.string().optional() });
