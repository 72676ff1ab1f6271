import { z } from "zod";
import { ApprovalRequest, ApprovalResolution } from "./approvals.ts";
import { BudgetUse } from "./budgets.ts";
import { StructuredOutput } from "./contracts.ts";
import { Json, JsonObject, Millis } from "./json.ts";
import { IdempotencyKey, ListQuery, QueryFlag, readByService } from "./pagination.ts";
import { UserQuestionRequest, UserQuestionResolution } from "./questions.ts";
import { IsolationName } from "./sandbox.ts";

export const RunStatus = z.enum([
  "queued",
  "running",
  "waiting_for_approval",
  "waiting_for_user_question",
  "completed",
  "failed",
  "interrupted",
  "cancelled",
]);
export type RunStatus = z.infer<typeof RunStatus>;

export const RunKind = z.enum([
  "input",
  "goal_continuation",
  "scheduled_input",
  "observation_materialization",
  "scheduled_observation_materialization",
  "mailbox_delivery",
  "channel_delivery",
  "parent_clarification",
  "approval_resume",
  "user_question_resume",
]);
export type RunKind = z.infer<typeof RunKind>;

export const AttachmentRef = z
  .object({ id: z.string(), media_type: z.string(), file_name: z.string() })
  .meta({ id: "AttachmentRef" });
export type AttachmentRef = z.infer<typeof AttachmentRef>;

export const ReplyHandle = z
  .strictObject({ plugin: z.string().min(1), address: Json })
  .meta({ id: "ReplyHandle" });
export type ReplyHandle = z.infer<typeof ReplyHandle>;

/** A reply target as clients may write it; normalised to a ReplyHandle. */
export const ReplyTargetInput = z
  .union([ReplyHandle, z.looseObject({ type: z.enum(["raw", "external", "telegram", "slack", "http"]) })])
  .meta({ id: "ReplyTargetInput" });
export type ReplyTargetInput = z.infer<typeof ReplyTargetInput>;

export const ReasoningEffort = z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]);

export const ModelGenerationConfig = z
  .strictObject({
    model: z.string().min(1).optional(),
    fallback_model: z.string().min(1).optional(),
    temperature: z.number().optional(),
    max_output_tokens: z.int().positive().optional(),
    tool_choice: z
      .union([
        z.enum(["auto", "none", "required"]),
        z.strictObject({ type: z.literal("specific"), tool_name: z.string().min(1) }),
      ])
      .optional(),
    allow_parallel_tool_calls: z.boolean().optional(),
    reasoning: z
      .strictObject({
        effort: ReasoningEffort.optional(),
        summary: z.enum(["auto", "concise", "detailed", "none"]).optional(),
        budget_tokens: z.int().positive().optional(),
        interleaved: z.boolean().optional(),
      })
      .optional(),
    response_format: z
      .union([
        z.strictObject({ type: z.literal("text") }),
        z.strictObject({ type: z.literal("structured_json"), schema: Json }),
      ])
      .optional(),
  })
  .meta({ id: "ModelGenerationConfig" });
export type ModelGenerationConfig = z.infer<typeof ModelGenerationConfig>;

export const InputItem = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text"), text: z.string() }),
    z.strictObject({ type: z.literal("asset_reference"), asset_id: z.string().min(1) }),
    z.strictObject({
      type: z.literal("board_reference"),
      board_id: z.string().min(1),
      revision_id: z.string().min(1),
    }),
    z.strictObject({
      type: z.literal("inline_asset"),
      file_name: z.string().min(1),
      media_type: z.string().min(1),
      content_base64: z.string().min(1),
    }),
  ])
  .meta({ id: "InputItem" });
export type InputItem = z.infer<typeof InputItem>;

export const InputAttachment = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("asset_reference"), asset_id: z.string().min(1) }),
    z.strictObject({
      type: z.literal("inline_asset"),
      file_name: z.string().min(1),
      media_type: z.string().min(1),
      content_base64: z.string().min(1),
    }),
  ])
  .meta({ id: "InputAttachment" });
export type InputAttachment = z.infer<typeof InputAttachment>;

export const CompletionRequirement = z
  .strictObject({ type: z.literal("workspace_file"), path: z.string().min(1) })
  .meta({ id: "CompletionRequirement" });
export type CompletionRequirement = z.infer<typeof CompletionRequirement>;

/** What an execution does about a `once` effect whose outcome a crash made unknown. */
export const UnknownOutcomePolicy = z.enum(["tell_model", "ask_operator"]);
export type UnknownOutcomePolicy = z.infer<typeof UnknownOutcomePolicy>;

export const SubmitInputRequest = z
  .strictObject({
    provider: z.string().min(1).nullish(),
    route_id: z.string().min(1).nullish().describe("alias of provider"),
    source_plugin: z.string().nullish(),
    source_kind: z.string().nullish(),
    actor_id: z.string().nullish(),
    content: z.string().default(""),
    input_items: z.array(InputItem).default([]),
    attachments: z.array(InputAttachment).default([]),
    generation: ModelGenerationConfig.nullish(),
    completion_requirements: z.array(CompletionRequirement).nullish(),
    metadata: Json.nullish(),
    binding_keys: z.array(z.string().min(1)).default([]),
    reply_targets: z.array(ReplyTargetInput).default([]),
    reply_plugin: z.string().nullish(),
    reply_address: z.string().nullish(),
    idempotency_key: IdempotencyKey.optional(),
  })
  .meta({ id: "SubmitInputRequest" });
export type SubmitInputRequest = z.infer<typeof SubmitInputRequest>;

export const RunRequestSummary = z
  .object({
    source_plugin: z.string(),
    source_kind: z.string(),
    actor_id: z.string(),
    text_preview: z.string().optional(),
    provider: z.string().optional(),
    model: z.string().optional(),
    approval_count: z.int().optional(),
    question_count: z.int().optional(),
  })
  .meta({ id: "RunRequestSummary" });
export type RunRequestSummary = z.infer<typeof RunRequestSummary>;

export const ContentPart = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("attachment"), attachment: AttachmentRef }),
]);
export type ContentPart = z.infer<typeof ContentPart>;

export const DaemonOutputRecord = z
  .object({
    session_id: z.string(),
    run_id: z.string().optional(),
    content: z.string(),
    parts: z.array(ContentPart).optional(),
    artifacts: z.array(AttachmentRef).optional(),
    source_kind: z.string().optional(),
    metadata: StructuredOutput.optional().describe("only where an output contract held"),
    plugin: z.string().optional(),
    address: Json.nullable(),
  })
  .meta({ id: "DaemonOutputRecord" });
export type DaemonOutputRecord = z.infer<typeof DaemonOutputRecord>;

/** Tokens as the provider reported them, summed over the run's model calls. */
export const UsageTotals = z
  .object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    cached_input_tokens: z.int(),
    model_calls: z.int(),
    tool_calls: z.int(),
    restarts: z.int(),
    cost_microusd: z
      .int()
      .optional()
      .describe("micro-USD, over the calls whose price is known; absent when none is"),
  })
  .meta({ id: "UsageTotals" });
export type UsageTotals = z.infer<typeof UsageTotals>;

/** Failures of a model call on which a run goes on along its fallback chain (02-A8). */
export const FallbackTrigger = z.enum(["overloaded", "rate_limited", "transport"]);
export type FallbackTrigger = z.infer<typeof FallbackTrigger>;

export const RouteTarget = z
  .object({ route_id: z.string(), provider: z.string().describe("driver name"), model: z.string() })
  .meta({ id: "RouteTarget" });
export type RouteTarget = z.infer<typeof RouteTarget>;

export const RunFallback = z
  .object({
    from: RouteTarget,
    to: RouteTarget,
    error_class: z.string().describe("of the failure that the retries did not cure"),
    skipped: z
      .array(RouteTarget.extend({ reason: z.string() }))
      .optional()
      .describe("targets between the two that could not be used"),
  })
  .meta({ id: "RunFallback" });
export type RunFallback = z.infer<typeof RunFallback>;

export const RunRoute = RouteTarget.extend({
  fallback_model: z.string().optional(),
  fallback: z.array(RouteTarget).optional().describe("the chain, in order"),
  fallback_on: z.array(FallbackTrigger).optional(),
}).meta({ id: "RunRoute" });
export type RunRoute = z.infer<typeof RunRoute>;

export const RunView = z
  .object({
    run_id: z.string(),
    session_id: z.string(),
    agent_id: z.string(),
    kind: RunKind,
    status: RunStatus,
    submitted_at_ms: Millis,
    updated_at_ms: Millis,
    started_at_ms: Millis.optional(),
    finished_at_ms: Millis.optional(),
    queued_position: z.int().optional(),
    request: RunRequestSummary,
    principal: z
      .string()
      .optional()
      .describe("who was authenticated; request.actor_id is what the caller says"),
    route: RunRoute.optional().describe("what the run is pinned to since its submission"),
    fallbacks: z
      .array(RunFallback.extend({ at_ms: Millis, turn: z.int() }))
      .optional()
      .describe("steps taken down the chain; the last one says where the run's calls go"),
    sandbox: IsolationName.optional().describe(
      "what its commands and stdio servers were kept in, the weakest of it; absent where there were none",
    ),
    input_attachments: z.array(AttachmentRef).optional(),
    input_metadata: Json.optional(),
    pending_approval_ids: z.array(z.string()).optional(),
    pending_approvals: z.array(ApprovalRequest).optional(),
    pending_question_ids: z.array(z.string()).optional(),
    pending_questions: z.array(UserQuestionRequest).optional(),
    outputs: z.array(DaemonOutputRecord).optional(),
    deliveries: z.array(Json).optional(),
    error: z.string().optional(),
    error_code: z.string().optional().describe("why it failed, for programs: budget_exhausted"),
    usage: UsageTotals.optional(),
    budgets: z
      .array(BudgetUse)
      .optional()
      .describe("that hold for this run; only where one run is asked for"),
  })
  .meta({ id: "RunView" });
export type RunView = z.infer<typeof RunView>;

/** The run event log (01, "Run event log"). */
export const RunEvent = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("accepted") }),
    z.object({ type: z.literal("queued"), position: z.int() }),
    z.object({ type: z.literal("started") }),
    z.object({
      type: z.literal("waiting_for_approval"),
      request_ids: z.array(z.string()),
      requests: z.array(ApprovalRequest).optional(),
    }),
    z.object({
      type: z.literal("approval_resolved"),
      resolutions: z.array(ApprovalResolution),
      decided_by: z.string().optional().describe("the principal, or 'daemon' when time ran out"),
    }),
    z.object({
      type: z.literal("approval_voted"),
      request_id: z.string(),
      approved_by: z.array(z.string()).describe("who has allowed it; more are needed"),
      required_approvals: z.int(),
    }),
    z.object({ type: z.literal("approval_escalated"), request_id: z.string(), expires_at_ms: Millis }),
    z.object({
      type: z.literal("waiting_for_user_question"),
      request_ids: z.array(z.string()),
      requests: z.array(UserQuestionRequest),
    }),
    z.object({
      type: z.literal("user_question_resolved"),
      resolution: UserQuestionResolution,
      decided_by: z.string().optional().describe("the principal, or 'daemon' when time ran out"),
    }),
    z.object({ type: z.literal("output"), output: DaemonOutputRecord }),
    z.object({ type: z.literal("resumed"), attempt: z.int() }),
    RunFallback.extend({ type: z.literal("fallback") }),
    z.object({ type: z.literal("completed") }),
    z.object({ type: z.literal("failed"), error: z.string(), code: z.string().optional() }),
    z.object({
      type: z.literal("interrupted"),
      reason: z.string().optional(),
      by: z.string().optional().describe("the principal that asked for it"),
    }),
    z.object({
      type: z.literal("cancelled"),
      reason: z.string().optional(),
      by: z.string().optional().describe("the principal that asked for it"),
    }),
  ])
  .meta({ id: "RunEvent" });
export type RunEvent = z.infer<typeof RunEvent>;

export const RunEventEntry = z
  .object({
    timestamp_ms: Millis,
    run_id: z.string(),
    session_id: z.string(),
    agent_id: z.string(),
    seq: z.int().describe("position in the session's journal; orders events whatever the clock did"),
    event: RunEvent,
  })
  .meta({ id: "RunEventEntry" });
export type RunEventEntry = z.infer<typeof RunEventEntry>;

const anyStatus = String.raw`\s*(${RunStatus.options.join("|")})\s*`;

export const RunListQuery = ListQuery.extend({
  session_id: z.string().optional(),
  status: readByService(`^${anyStatus}(,${anyStatus})*$`).optional().describe("comma list of run statuses"),
  priority_active: QueryFlag.optional(),
  order: readByService("^(asc|desc)$").optional().describe("asc (default) or desc; page mode only"),
});

/** One piece of debug evidence: what was sent to a model, or what came back. */
export const RunDebugArtifact = z
  .object({
    artifact_id: z.string(),
    format: z.enum(["json", "text"]),
    updated_at_ms: Millis,
    bytes: z.int().describe("as it is kept: encrypted where the daemon has a capture key"),
    plaintext_bytes: z.int(),
    sha256: z.string().optional().describe("of the plaintext"),
    truncated: z.boolean(),
    original_bytes: z.int().optional().describe("before it was truncated"),
    encrypted: z.boolean(),
    encryption_key_id: z.string().optional(),
  })
  .meta({ id: "RunDebugArtifact" });
export type RunDebugArtifact = z.infer<typeof RunDebugArtifact>;

export const RunDebugView = z
  .object({
    run_id: z.string(),
    level: z
      .enum(["off", "redacted", "full"])
      .describe("what was captured of it; `on` captures as `redacted`"),
    artifacts: z.array(RunDebugArtifact),
    dropped: z.int().optional().describe("older artifacts that gave way to newer ones"),
  })
  .meta({ id: "RunDebugView" });
export type RunDebugView = z.infer<typeof RunDebugView>;

/** What a model is asked in one turn of a run, put together again from the session's journal. */
export const RunPrompt = z
  .object({
    run_id: z.string(),
    turn: z.int(),
    route_id: z.string(),
    model: z.string(),
    answered: z.boolean().describe("false: the turn has no answer yet"),
    system: z.string(),
    messages: z.array(Json).describe("as the journal has them: what was sent, to the byte"),
    tools: z.array(z.object({ name: z.string(), description: z.string(), input_schema: JsonObject })),
    as_of_now: z
      .array(z.enum(["system", "tools"]))
      .describe("parts that follow from how the daemon and the session are set now, not then"),
  })
  .meta({ id: "RunPrompt" });
export type RunPrompt = z.infer<typeof RunPrompt>;

export const PruneRequest = z
  .strictObject({
    older_than_ms: z.int().meta({ minimum: 1 }),
    session_id: z.string().optional(),
    limit: z.int().meta({ minimum: 1 }).optional(),
    dry_run: z.boolean().default(false),
  })
  .meta({ id: "PruneRequest" });
export const PruneResponse = z
  .object({
    dry_run: z.boolean(),
    now_ms: Millis,
    cutoff_ms: z.int(),
    limit: z.int().nullable(),
    matched_run_count: z.int(),
    candidate_run_ids: z.array(z.string()),
    candidate_debug_bytes: z.int(),
    pruned_debug_run_ids: z.array(z.string()),
    pruned_debug_bytes: z.int(),
  })
  .meta({ id: "PruneResponse" });
