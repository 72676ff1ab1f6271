import { z } from "zod";
import { ApprovalRequest, PermissionScope } from "./approvals.ts";
import { BudgetUse } from "./budgets.ts";
import { InputContract, OutputContract } from "./contracts.ts";
import { SessionGoal } from "./goals.ts";
import { Json, Millis } from "./json.ts";
import { IdempotencyKey, ListQuery } from "./pagination.ts";
import { UserQuestionRequest } from "./questions.ts";
import {
  DaemonOutputRecord,
  ModelGenerationConfig,
  ReplyHandle,
  ReplyTargetInput,
  RunEventEntry,
  UnknownOutcomePolicy,
  UsageTotals,
} from "./runs.ts";
import { PermissionMode } from "./runtime-settings.ts";
import { ActiveSkill } from "./skills.ts";

const names = z.array(z.string()).optional();

export const CapabilityScope = z
  .strictObject({
    skill_allow: names,
    skill_deny: names,
    mcp_server_allow: names,
    mcp_server_deny: names,
    mcp_tool_allow: names,
    mcp_tool_deny: names,
    tool_allow: names,
    tool_deny: names,
  })
  .meta({ id: "CapabilityScope" });
export type CapabilityScope = z.infer<typeof CapabilityScope>;

export const CredentialScope = z
  .strictObject({
    route_allow: names,
    route_deny: names,
    connector_allow: names,
    connector_deny: names,
    connector_credential_allow: names,
    connector_credential_deny: names,
    mcp_server_allow: names,
    mcp_server_deny: names,
  })
  .meta({ id: "CredentialScope" });
export type CredentialScope = z.infer<typeof CredentialScope>;

export const RoutePolicy = z
  .strictObject({
    provider: z.string().min(1).optional(),
    route_id: z.string().min(1).optional().describe("input alias of provider"),
    generation: ModelGenerationConfig.optional(),
  })
  .meta({ id: "RoutePolicy" });
export type RoutePolicy = z.infer<typeof RoutePolicy>;

export const OperatorConfig = z
  .strictObject({
    enabled: z.boolean().default(false),
    display_name: z.string().optional(),
    communication_style: z.string().optional(),
    allow_notify: z.boolean().default(true),
    allow_questions: z.boolean().default(true),
    approval_timeout_ms: z.int().nonnegative().optional().describe("0 = approvals never expire"),
    approval_on_timeout: z
      .enum(["deny", "cancel", "escalate"])
      .optional()
      .describe("escalate: from then on only who may change the session's rules may allow it"),
    escalation_timeout_ms: z
      .int()
      .positive()
      .optional()
      .describe(
        "how long an escalated approval waits before it is denied; default: the approval timeout again",
      ),
    unknown_outcome: UnknownOutcomePolicy.optional(),
  })
  .meta({ id: "OperatorConfig" });
export type OperatorConfig = z.infer<typeof OperatorConfig>;

export const ToolOverrides = z.strictObject({ enable: names, disable: names }).meta({ id: "ToolOverrides" });
export type ToolOverrides = z.infer<typeof ToolOverrides>;

export const CreateSessionRequest = z
  .strictObject({
    session_id: z.string().meta({ minLength: 1 }).optional(),
    thread_id: z.string().optional(),
    persona_id: z.string().optional(),
    capability_scope: CapabilityScope.optional(),
    credential_scope: CredentialScope.optional(),
    idempotency_key: IdempotencyKey.optional(),
  })
  .meta({ id: "CreateSessionRequest" });
export type CreateSessionRequest = z.infer<typeof CreateSessionRequest>;

export const SessionStatus = z.enum([
  "idle",
  "running",
  "waiting_for_approval",
  "waiting_for_user_input",
  "failed",
  "completed",
]);
export type SessionStatus = z.infer<typeof SessionStatus>;

export const AgentRecord = z
  .object({
    id: z.string(),
    parent: z.string().nullable(),
    conversation: z.object({ session_id: z.string(), thread_id: z.string().optional() }),
    status: SessionStatus,
    name: z.string().optional(),
    path: z.string().optional(),
    nickname: z.string().optional(),
    retention: z.enum(["retain", "close_on_settle"]),
    spawned_at_ms: Millis,
    settled_at_ms: Millis.optional(),
    subtasks: z.array(Json),
  })
  .meta({ id: "AgentRecord" });
export type AgentRecord = z.infer<typeof AgentRecord>;

export const AgentSnapshot = z
  .object({
    agent: AgentRecord,
    pending_approvals: z.array(ApprovalRequest),
    pending_questions: z.array(UserQuestionRequest),
    last_assistant_message: z.string().nullable(),
    journal_len: z.int(),
    checkpoint_len: z.int(),
    last_error: z.string().nullable(),
    todos: z.array(Json).optional(),
  })
  .meta({ id: "AgentSnapshot" });
export type AgentSnapshot = z.infer<typeof AgentSnapshot>;

const common = {
  session_id: z.string(),
  agent_id: z.string(),
  created_at_ms: Millis,
  updated_at_ms: Millis,
  ended_at_ms: Millis.optional(),
  ended_reason: z.string().optional(),
  active_run_id: z.string().optional(),
  queued_run_count: z.int(),
  route_policy: RoutePolicy.optional(),
  goal: SessionGoal.optional(),
  capability_scope: CapabilityScope.optional(),
  effective_capability_scope: CapabilityScope.optional(),
  credential_scope: CredentialScope.optional(),
  effective_credential_scope: CredentialScope.optional(),
  operator: OperatorConfig.optional(),
  tool_overrides: ToolOverrides.optional(),
  permission_mode: PermissionMode.optional().describe("in the place of the daemon's, while the agent plans"),
  active_skills: z.array(ActiveSkill).optional().describe("in the order they began"),
  input_contract: InputContract.optional(),
  output_contract: OutputContract.optional(),
  reply_targets: z.array(ReplyHandle).optional(),
  usage: UsageTotals.optional(),
};

/** What came of planning (03-R28). */
export const PlanArtifact = z
  .object({ plan: z.string(), summary: z.string().optional(), run_id: z.string(), created_at_ms: Millis })
  .meta({ id: "PlanArtifact" });
export type PlanArtifact = z.infer<typeof PlanArtifact>;

export const SessionView = z
  .object({
    ...common,
    created: z.boolean().optional().describe("only on creation: true when this call created it"),
    snapshot: AgentSnapshot,
    outputs: z.array(DaemonOutputRecord),
    budgets: z.array(BudgetUse).optional().describe("that hold for all of the session"),
    plan_artifact: PlanArtifact.optional().describe("the plan that the agent last left plan mode with"),
  })
  .meta({ id: "SessionView" });
export type SessionView = z.infer<typeof SessionView>;

export const SessionViewSummary = z
  .object({
    ...common,
    status: SessionStatus,
    pending_approvals: z.int(),
    pending_questions: z.int(),
  })
  .meta({ id: "SessionViewSummary" });
export type SessionViewSummary = z.infer<typeof SessionViewSummary>;

export const SessionListQuery = ListQuery.extend({ persona_id: z.string().optional() });

/** One line of a session's journal as clients read it. */
export const JournalEntry = z
  .object({
    offset: z.int(),
    timestamp_ms: Millis,
    run_id: z.string().optional(),
    event: z.looseObject({ type: z.string() }),
  })
  .meta({ id: "JournalEntry" });
export type JournalEntry = z.infer<typeof JournalEntry>;

export const PermissionAudit = z
  .object({
    scope: PermissionScope,
    tool_name: z.string(),
    tool_call_id: z.string().optional(),
    decision: z.enum(["allow", "ask", "deny"]),
    base_decision: z.enum(["allow", "ask", "deny"]).optional(),
    effective_mode: z.string().optional(),
    mode_effect: z.string().optional(),
    matched_rule_pattern: z.string().optional(),
    matched_rule_id: z.string().optional(),
    matched_rule_origin: z.string().optional().describe("static, hook_update or remembered"),
    justification: z.string().optional(),
    reason: z.string().optional(),
    approval_request_id: z.string().optional(),
  })
  .meta({ id: "PermissionAudit" });
export type PermissionAudit = z.infer<typeof PermissionAudit>;

export const SessionEventLog = z
  .object({
    session: z.object({
      session_id: z.string(),
      journal: z.array(JournalEntry),
      checkpoints: z.array(Json),
      audits: z.array(PermissionAudit),
      outputs: z.array(Json),
      metadata: z.record(z.string(), Json),
    }),
    daemon_outputs: z.array(DaemonOutputRecord),
    run_events: z.array(RunEventEntry),
    next_offset: z.int().optional().describe("only when a limit was asked for and more follows"),
  })
  .meta({ id: "SessionEventLog" });
export type SessionEventLog = z.infer<typeof SessionEventLog>;

export const EndSessionRequest = z
  .strictObject({ reason: z.string().nullish() })
  .meta({ id: "EndSessionRequest" });
export const InterruptResponse = z
  .object({ interrupted: z.boolean(), snapshot: AgentSnapshot })
  .meta({ id: "InterruptResponse" });
export type InterruptResponse = z.infer<typeof InterruptResponse>;

export const SetPersonaRequest = z.strictObject({ persona_id: z.string().min(1) });
export const SetCapabilityScopeRequest = z.strictObject({ capability_scope: CapabilityScope.nullable() });
export const SetCredentialScopeRequest = z.strictObject({ credential_scope: CredentialScope.nullable() });
export const SetRoutePolicyRequest = z.strictObject({ route_policy: RoutePolicy.nullable() });
export const SetReplyTargetsRequest = z.strictObject({ reply_targets: z.array(ReplyTargetInput) });
export const SetOperatorRequest = z.strictObject({ operator: OperatorConfig.nullable() });
export const SetToolOverridesRequest = z.strictObject({ tool_overrides: ToolOverrides.nullable() });
