import { z } from "zod";
import { AccountList, ImportMcpAccountRequest, RevokedAccount } from "./accounts.ts";
import { ResolveApprovalsRequest } from "./approvals.ts";
import { AuditExportPage, AuditExportQuery, AuditKeyRing, ExternalActionAuditRecord } from "./audit.ts";
import {
  Accepted,
  AuthSlotList,
  AuthSubjectStatus,
  CredentialLeaseStatus,
  ReasonedRequest,
  RekeyRequest,
  RekeyView,
  RevokedLeases,
  RevokeRequest,
} from "./auth-broker.ts";
import { BudgetDeleted, BudgetList, BudgetView, CreateBudgetRequest, SetBudgetRequest } from "./budgets.ts";
import {
  InputContract,
  OutputContract,
  SetInputContractRequest,
  SetOutputContractRequest,
} from "./contracts.ts";
import { GlobalStreamQuery, StreamEvent, StreamQuery } from "./events.ts";
import { GoalResponse, PatchGoalRequest, SetGoalRequest } from "./goals.ts";
import { HookDeadLetter, HookSettings, ResolveHookDeadLetterRequest } from "./hooks.ts";
import { JsonObject } from "./json.ts";
import { LogEntries, LogsQuery } from "./logs.ts";
import { listOf } from "./pagination.ts";
import {
  CheckPermissionRequest,
  CreatePermissionRuleRequest,
  CreateSessionRuleRequest,
  DeleteRuleQuery,
  PermissionExplanation,
  PermissionMatrix,
  PermissionMatrixRequest,
  PermissionRule,
  PermissionRuleDeleted,
  PermissionRuleList,
  SetPermissionRuleRequest,
  SetSessionRuleRequest,
} from "./permissions.ts";
import { LearningPolicy, RunMemoryPolicy } from "./policies.ts";
import {
  CancelQuestionRequest,
  PendingQuestionView,
  QuestionListQuery,
  ResolveQuestionRequest,
} from "./questions.ts";
import {
  AddRouteRequest,
  ReloadRoutesRequest,
  RemoveRouteQuery,
  RouteListView,
  RouteReloadResult,
} from "./routes.ts";
import {
  PruneRequest,
  PruneResponse,
  ReplyHandle,
  RunDebugView,
  RunEventEntry,
  RunListQuery,
  RunView,
  SubmitInputRequest,
} from "./runs.ts";
import { DaemonCapabilities, DaemonStatusView, RuntimeSettingsView } from "./runtime.ts";
import {
  ChangeQuery,
  DebugLevelSetting,
  DiffQuery,
  ModelSelection,
  PermissionModeSetting,
  RollbackRequest,
  RuntimeRevisionDiff,
  RuntimeRevisionList,
  SetDebugLevelRequest,
  SetHooksRequest,
  SetModelRequest,
  SetPermissionModeRequest,
  SetPolicyRequest,
  SetSystemPromptRequest,
  SetToolLimitsRequest,
  SystemPromptInput,
} from "./runtime-settings.ts";
import { AuthSlotStatus, AuthSlotWrite } from "./secrets.ts";
import {
  CreateSessionRequest,
  EndSessionRequest,
  InterruptResponse,
  OperatorConfig,
  PermissionAudit,
  SessionEventLog,
  SessionListQuery,
  SessionView,
  SessionViewSummary,
  SetCapabilityScopeRequest,
  SetCredentialScopeRequest,
  SetOperatorRequest,
  SetPersonaRequest,
  SetReplyTargetsRequest,
  SetRoutePolicyRequest,
  SetToolOverridesRequest,
  ToolOverrides,
} from "./sessions.ts";
import { CreatedToken, CreateTokenRequest, RevokedTokens, TokenView, type Verb } from "./tokens.ts";
import { ToolRuntimeLimits } from "./tool-limits.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** Who may call: nobody asked, a read-only token, an admin token. */
export type Access = "none" | "read" | "admin";

export interface Endpoint {
  readonly method: Method;
  /** OpenAPI style, `/v1/sessions/{session_id}`; each parameter is one percent-encoded segment. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  /** What a named token needs, where it is not what `verbOf` derives. */
  readonly verb?: Verb;
  /** Where the caller may name one item of a list, the resource that the request is about then; see `resourcesOf`. */
  readonly narrowed?: readonly { from: "query" | "body"; field: string; resource: string }[];
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** A request without a body is `{}`. */
  readonly bodyOptional?: boolean;
  /** `large`: may carry whole files, up to `serve --max-body-bytes`; every other body is at most `SMALL_BODY_BYTES`. */
  readonly bodySize?: "large";
  readonly responses: Readonly<Record<number, z.ZodType>>;
  readonly kind?: "json" | "sse" | "text" | "binary";
  /** The type of a `text` or `binary` answer, when it is not plain text or bytes. */
  readonly mediaType?: string;
  /** The header `Idempotency-Key` is honoured. */
  readonly idempotent?: boolean;
  /** The header `If-Match` is honoured. */
  readonly conditional?: boolean;
}

/** Room for any setting, schema or decision; only bodies with files in them are larger. */
export const SMALL_BODY_BYTES = 1024 * 1024;

const define = <const T extends Record<string, Endpoint>>(table: T): T => table;
const noBody = z.strictObject({});
const session = "/v1/sessions/{session_id}";
const run = "/v1/runs/{run_id}";
const auth = "/v1/runtime/auth";
const account = `${auth}/accounts/{slot}`;
const budget = "/v1/runtime/budgets/{budget_id}";
const rules = "/v1/runtime/permissions/rules";
const sessionRules = `${session}/permissions/rules`;

/** A session default that PUT and POST replace and DELETE clears (01, HTTP, Sessions). */
const setting = <B extends z.ZodType>(name: string, path: string, body: B, verb: Verb = "write") =>
  ({
    post: {
      method: "POST",
      path: `${session}/${path}`,
      tag: "sessions",
      summary: `Replace the ${name}`,
      access: "admin",
      verb,
      body,
      responses: { 200: SessionView },
    },
    put: {
      method: "PUT",
      path: `${session}/${path}`,
      tag: "sessions",
      summary: `Replace the ${name}`,
      access: "admin",
      verb,
      body,
      responses: { 200: SessionView },
    },
    delete: {
      method: "DELETE",
      path: `${session}/${path}`,
      tag: "sessions",
      summary: `Clear the ${name}`,
      access: "admin",
      verb,
      responses: { 200: SessionView },
    },
  }) as const;

/**
 * A daemon-wide setting: POST for the clients that know it, PUT for the whole of it and PATCH for a part, with the
 * revision as `ETag` and `If-Match` (02-R1).
 */
const runtimeSetting = <P extends z.ZodType, B extends z.ZodType>(
  name: string,
  path: string,
  post: P,
  put: B,
) => {
  const row = { path: `/v1/runtime/${path}`, tag: "runtime", access: "admin" } as const;
  const responses = { 200: RuntimeSettingsView };
  return {
    post: { ...row, method: "POST", summary: `Change the ${name}`, body: post, responses },
    put: {
      ...row,
      method: "PUT",
      summary: `Replace the ${name}`,
      query: ChangeQuery,
      conditional: true,
      body: put,
      responses,
    },
    patch: {
      ...row,
      method: "PATCH",
      summary: `Change a part of the ${name} (RFC 7396)`,
      query: ChangeQuery,
      conditional: true,
      body: JsonObject,
      responses,
    },
  } as const;
};

const model = runtimeSetting("default route and model", "model", SetModelRequest, ModelSelection);
const mode = runtimeSetting(
  "permission mode",
  "permission-mode",
  SetPermissionModeRequest,
  PermissionModeSetting,
);
const prompt = runtimeSetting("system prompt", "system-prompt", SetSystemPromptRequest, SystemPromptInput);
const debugLevel = runtimeSetting("debug level", "debug-level", SetDebugLevelRequest, DebugLevelSetting);
const hooks = runtimeSetting("hooks", "hooks", SetHooksRequest, JsonObject);
const learning = runtimeSetting("learning policy", "learning-policy", SetPolicyRequest, JsonObject);
const runMemory = runtimeSetting("run-memory policy", "run-memory-policy", SetPolicyRequest, JsonObject);
const toolLimits = runtimeSetting("tool limits", "tool-limits", SetToolLimitsRequest, JsonObject);

const persona = setting("persona", "persona", SetPersonaRequest);
const capabilityScope = setting("capability scope", "capability-scope", SetCapabilityScopeRequest, "admin");
const credentialScope = setting("credential scope", "credential-scope", SetCredentialScopeRequest, "admin");
const routePolicy = setting("route policy", "route-policy", SetRoutePolicyRequest);
const replyTargets = setting("reply targets", "reply-targets", SetReplyTargetsRequest);
const operator = setting("operator config", "operator", SetOperatorRequest);
const toolOverrides = setting("tool overrides", "tool-overrides", SetToolOverridesRequest, "admin");
const inputContract = setting("input contract", "input-contract", SetInputContractRequest);
const outputContract = setting("output contract", "output-contract", SetOutputContractRequest);

/** What operators do with the daemon itself. */
const operations = define({
  healthz: {
    method: "GET",
    path: "/healthz",
    tag: "probes",
    summary: "Liveness",
    access: "none",
    kind: "text",
    responses: { 200: z.string() },
  },
  readyz: {
    method: "GET",
    path: "/readyz",
    tag: "probes",
    summary: "Readiness; 503 while draining",
    access: "none",
    kind: "text",
    responses: { 200: z.string() },
  },
  status: {
    method: "GET",
    path: "/v1/status",
    tag: "runtime",
    summary: "Operator snapshot",
    access: "read",
    responses: { 200: DaemonStatusView },
  },
  capabilities: {
    method: "GET",
    path: "/v1/capabilities",
    tag: "runtime",
    summary: "What this daemon can do",
    access: "read",
    responses: { 200: DaemonCapabilities },
  },
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    tag: "runtime",
    summary: "This document",
    access: "read",
    responses: { 200: JsonObject },
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    tag: "operations",
    summary: "Measurements in the Prometheus text format",
    access: "read",
    kind: "text",
    responses: { 200: z.string() },
  },
  backup: {
    method: "GET",
    path: "/v1/runtime/backup",
    tag: "operations",
    summary: "One consistent archive of the whole state, streamed while the daemon works",
    access: "admin",
    kind: "binary",
    mediaType: "application/x-tar",
    responses: { 200: z.string().meta({ format: "binary" }) },
  },
  getRuntime: {
    method: "GET",
    path: "/v1/runtime",
    tag: "runtime",
    summary: "Effective runtime settings",
    access: "read",
    responses: { 200: RuntimeSettingsView },
  },
  setModel: model.post,
  putModel: model.put,
  setPermissionMode: mode.post,
  putPermissionMode: mode.put,
  setSystemPrompt: prompt.post,
  putSystemPrompt: prompt.put,
  patchSystemPrompt: prompt.patch,
  setDebugLevel: debugLevel.post,
  putDebugLevel: debugLevel.put,
  getHooks: {
    method: "GET",
    path: hooks.post.path,
    tag: "runtime",
    summary: "The hooks, not redacted",
    access: "admin",
    responses: { 200: HookSettings },
  },
  setHooks: hooks.post,
  putHooks: hooks.put,
  patchHooks: hooks.patch,
  listHookDeadLetters: {
    method: "GET",
    path: "/v1/runtime/hooks/dead-letter",
    tag: "runtime",
    summary: "Hooks that could not be called, oldest first; the newest thousand",
    access: "admin",
    responses: { 200: z.array(HookDeadLetter) },
  },
  resolveHookDeadLetter: {
    method: "POST",
    path: "/v1/runtime/hooks/dead-letter/{dead_letter_id}/resolve",
    tag: "runtime",
    summary: "Say that a hook's failure was looked after; a second time changes nothing",
    access: "admin",
    body: ResolveHookDeadLetterRequest,
    bodyOptional: true,
    responses: { 200: HookDeadLetter },
  },
  getLearningPolicy: {
    method: "GET",
    path: learning.post.path,
    tag: "runtime",
    summary: "The learning policy",
    access: "read",
    responses: { 200: LearningPolicy },
  },
  setLearningPolicy: learning.post,
  putLearningPolicy: learning.put,
  patchLearningPolicy: learning.patch,
  getRunMemoryPolicy: {
    method: "GET",
    path: runMemory.post.path,
    tag: "runtime",
    summary: "The run-memory policy",
    access: "read",
    responses: { 200: RunMemoryPolicy },
  },
  setRunMemoryPolicy: runMemory.post,
  putRunMemoryPolicy: runMemory.put,
  patchRunMemoryPolicy: runMemory.patch,
  getToolLimits: {
    method: "GET",
    path: toolLimits.post.path,
    tag: "runtime",
    summary: "The limits of tool calls",
    access: "read",
    responses: { 200: ToolRuntimeLimits },
  },
  setToolLimits: toolLimits.post,
  putToolLimits: toolLimits.put,
  patchToolLimits: toolLimits.patch,
  listRuntimeRevisions: {
    method: "GET",
    path: "/v1/runtime/revisions",
    tag: "runtime",
    summary: "The settings now and before, newest first",
    access: "admin",
    responses: { 200: RuntimeRevisionList },
  },
  diffRuntimeRevision: {
    method: "GET",
    path: "/v1/runtime/revisions/{revision}/diff",
    tag: "runtime",
    summary: "What a revision changed",
    access: "admin",
    query: DiffQuery,
    responses: { 200: RuntimeRevisionDiff },
  },
  rollbackRuntime: {
    method: "POST",
    path: "/v1/runtime/rollback",
    tag: "runtime",
    summary: "Take back the settings, or one of them, as a new revision",
    access: "admin",
    body: RollbackRequest,
    bodyOptional: true,
    responses: { 200: RuntimeSettingsView },
  },
  checkPermission: {
    method: "POST",
    path: "/v1/runtime/permissions/check",
    tag: "runtime",
    summary: "What would become of a tool call; nothing happens",
    access: "admin",
    body: CheckPermissionRequest,
    responses: { 200: PermissionExplanation },
  },
  permissionMatrix: {
    method: "POST",
    path: "/v1/runtime/permissions/matrix",
    tag: "runtime",
    summary: "What would become of a call of each tool under each mode",
    access: "admin",
    body: PermissionMatrixRequest,
    bodyOptional: true,
    responses: { 200: PermissionMatrix },
  },
  listPermissionRules: {
    method: "GET",
    path: rules,
    tag: "permissions",
    summary: "The rules of user and project scope, in the order they were made",
    access: "admin",
    responses: { 200: PermissionRuleList },
  },
  createPermissionRule: {
    method: "POST",
    path: rules,
    tag: "permissions",
    summary: "Make a rule that is not there yet",
    access: "admin",
    body: CreatePermissionRuleRequest,
    responses: { 201: PermissionRule },
  },
  setPermissionRule: {
    method: "PUT",
    path: `${rules}/{rule_id}`,
    tag: "permissions",
    summary: "Make or replace a rule; it holds from the next tool call on",
    access: "admin",
    body: SetPermissionRuleRequest,
    responses: { 200: PermissionRule, 201: PermissionRule },
  },
  deletePermissionRule: {
    method: "DELETE",
    path: `${rules}/{rule_id}`,
    tag: "permissions",
    summary: "Remove a rule",
    access: "admin",
    query: DeleteRuleQuery,
    responses: { 200: PermissionRuleDeleted },
  },
  listSessionRules: {
    method: "GET",
    path: sessionRules,
    tag: "permissions",
    summary: "The session's own rules, with what approvals made it remember",
    access: "admin",
    responses: { 200: PermissionRuleList },
  },
  createSessionRule: {
    method: "POST",
    path: sessionRules,
    tag: "permissions",
    summary: "Make a rule of this session that is not there yet",
    access: "admin",
    verb: "admin",
    body: CreateSessionRuleRequest,
    responses: { 201: PermissionRule },
  },
  setSessionRule: {
    method: "PUT",
    path: `${sessionRules}/{rule_id}`,
    tag: "permissions",
    summary: "Make or replace a rule of this session",
    access: "admin",
    verb: "admin",
    body: SetSessionRuleRequest,
    responses: { 200: PermissionRule, 201: PermissionRule },
  },
  deleteSessionRule: {
    method: "DELETE",
    path: `${sessionRules}/{rule_id}`,
    tag: "permissions",
    summary: "Remove a rule of this session, or what an approval made it remember",
    access: "admin",
    verb: "admin",
    query: DeleteRuleQuery,
    responses: { 200: PermissionRuleDeleted },
  },
  logs: {
    method: "GET",
    path: "/v1/logs",
    tag: "runtime",
    summary: "The newest lines of the daemon's log, oldest first",
    access: "admin",
    query: LogsQuery,
    responses: { 200: LogEntries },
  },

  listTokens: {
    method: "GET",
    path: "/v1/runtime/tokens",
    tag: "tokens",
    summary: "Named tokens by name, without their secrets",
    access: "admin",
    responses: { 200: z.array(TokenView) },
  },
  createToken: {
    method: "POST",
    path: "/v1/runtime/tokens",
    tag: "tokens",
    summary: "Create a named token; the answer holds its secret, once",
    access: "admin",
    body: CreateTokenRequest,
    responses: { 201: CreatedToken },
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/runtime/tokens/{token_id}",
    tag: "tokens",
    summary: "Revoke a named token and all that were created with it, from the next request on",
    access: "admin",
    responses: { 200: RevokedTokens },
  },
  listRoutes: {
    method: "GET",
    path: "/v1/runtime/routes",
    tag: "runtime",
    summary: "Routes with their settings, readiness and source",
    access: "admin",
    responses: { 200: RouteListView },
  },
  addRoute: {
    method: "POST",
    path: "/v1/runtime/routes",
    tag: "runtime",
    summary: "Add a route without a restart",
    access: "admin",
    body: AddRouteRequest,
    responses: { 200: RuntimeSettingsView },
  },
  removeRoute: {
    method: "DELETE",
    path: "/v1/runtime/routes/{route_id}",
    tag: "runtime",
    summary: "Remove a route that was added at run time",
    access: "admin",
    query: RemoveRouteQuery,
    responses: { 200: RuntimeSettingsView },
  },
  reloadRoutes: {
    method: "POST",
    path: "/v1/runtime/routes/reload",
    tag: "runtime",
    summary: "Read the routes file again; answers what changes",
    access: "admin",
    body: ReloadRoutesRequest,
    bodyOptional: true,
    responses: { 200: RouteReloadResult },
  },
  listSecrets: {
    method: "GET",
    path: "/v1/runtime/secrets",
    tag: "secrets",
    summary: "Every slot, never its secret",
    access: "admin",
    responses: { 200: AuthSlotList },
  },
  putSecret: {
    method: "POST",
    path: "/v1/runtime/secrets",
    tag: "secrets",
    summary: "Create a slot or replace its secret, which enables it",
    access: "admin",
    body: AuthSlotWrite,
    responses: { 200: AuthSlotStatus },
  },
  rekeySecrets: {
    method: "POST",
    path: "/v1/runtime/secrets/rekey",
    tag: "secrets",
    summary: "Encrypt every slot under another master key",
    access: "admin",
    body: RekeyRequest,
    responses: { 200: RekeyView },
  },
  getSecret: {
    method: "GET",
    path: "/v1/runtime/secrets/{ref}",
    tag: "secrets",
    summary: "One slot",
    access: "admin",
    responses: { 200: AuthSlotStatus },
  },
  deleteSecret: {
    method: "DELETE",
    path: "/v1/runtime/secrets/{ref}",
    tag: "secrets",
    summary: "Delete a slot and end its leases",
    access: "admin",
    responses: { 200: Accepted },
  },
  revokeSlotLeases: {
    method: "POST",
    path: `${auth}/slots/{slot}/revoke`,
    tag: "secrets",
    summary: "End the leases of a slot; the next call gets a new one",
    access: "admin",
    body: RevokeRequest,
    bodyOptional: true,
    responses: { 200: RevokedLeases },
  },
  disableSlot: {
    method: "POST",
    path: `${auth}/slots/{slot}/disable`,
    tag: "secrets",
    summary: "Keep a slot and let nobody use it",
    access: "admin",
    body: ReasonedRequest,
    responses: { 200: AuthSlotStatus },
  },
  enableSlot: {
    method: "POST",
    path: `${auth}/slots/{slot}/enable`,
    tag: "secrets",
    summary: "Let a disabled slot be used again",
    access: "admin",
    body: RevokeRequest,
    bodyOptional: true,
    responses: { 200: AuthSlotStatus },
  },
  getSubject: {
    method: "GET",
    path: `${auth}/subjects/{subject_id}`,
    tag: "secrets",
    summary: "Who may use credentials, and under which leases they do",
    access: "admin",
    responses: { 200: AuthSubjectStatus },
  },
  revokeSubject: {
    method: "POST",
    path: `${auth}/subjects/{subject_id}/revoke`,
    tag: "secrets",
    summary: "End a subject's leases and give it no more",
    access: "admin",
    body: RevokeRequest,
    bodyOptional: true,
    responses: { 200: AuthSubjectStatus },
  },
  reinstateSubject: {
    method: "POST",
    path: `${auth}/subjects/{subject_id}/reinstate`,
    tag: "secrets",
    summary: "Let a revoked subject have leases again",
    access: "admin",
    body: ReasonedRequest,
    responses: { 200: AuthSubjectStatus },
  },
  getLease: {
    method: "GET",
    path: `${auth}/leases/{lease_id}`,
    tag: "secrets",
    summary: "One lease",
    access: "admin",
    responses: { 200: CredentialLeaseStatus },
  },
  revokeLease: {
    method: "POST",
    path: `${auth}/leases/{lease_id}/revoke`,
    tag: "secrets",
    summary: "End one lease",
    access: "admin",
    body: RevokeRequest,
    bodyOptional: true,
    responses: { 200: CredentialLeaseStatus },
  },
  listAccounts: {
    method: "GET",
    path: `${auth}/accounts`,
    tag: "secrets",
    summary: "Slots that hold an account, never its tokens",
    access: "admin",
    responses: { 200: AccountList },
  },
  getAccount: {
    method: "GET",
    path: account,
    tag: "secrets",
    summary: "One account",
    access: "admin",
    responses: { 200: AuthSlotStatus },
  },
  importMcpAccount: {
    method: "POST",
    path: `${auth}/accounts/mcp-oauth`,
    tag: "secrets",
    summary: "Keep what a login at an MCP server's authorization server brought",
    access: "admin",
    body: ImportMcpAccountRequest,
    responses: { 200: AuthSlotStatus },
  },
  importAccount: {
    method: "POST",
    path: `${auth}/accounts`,
    tag: "secrets",
    summary: "The same as POST …/accounts/mcp-oauth",
    access: "admin",
    body: ImportMcpAccountRequest,
    responses: { 200: AuthSlotStatus },
  },
  refreshAccount: {
    method: "POST",
    path: `${account}/refresh`,
    tag: "secrets",
    summary: "Refresh an account's token now, at most once in 5 s",
    access: "admin",
    body: noBody,
    bodyOptional: true,
    responses: { 200: AuthSlotStatus },
  },
  revokeAccount: {
    method: "POST",
    path: `${account}/revoke`,
    tag: "secrets",
    summary: "Give an account's tokens back to its provider and delete the account here",
    access: "admin",
    body: RevokeRequest,
    bodyOptional: true,
    responses: { 200: RevokedAccount },
  },
  deleteAccount: {
    method: "DELETE",
    path: account,
    tag: "secrets",
    summary: "The same as POST …/revoke",
    access: "admin",
    responses: { 200: RevokedAccount },
  },

  listBudgets: {
    method: "GET",
    path: "/v1/runtime/budgets",
    tag: "budgets",
    summary: "What the daemon's work may use, and has used",
    access: "admin",
    responses: { 200: BudgetList },
  },
  createBudget: {
    method: "POST",
    path: "/v1/runtime/budgets",
    tag: "budgets",
    summary: "Set a budget that is not there yet",
    access: "admin",
    body: CreateBudgetRequest,
    responses: { 201: BudgetView },
  },
  getBudget: {
    method: "GET",
    path: budget,
    tag: "budgets",
    summary: "One budget",
    access: "admin",
    responses: { 200: BudgetView },
  },
  setBudget: {
    method: "PUT",
    path: budget,
    tag: "budgets",
    summary: "Set or replace a budget; what was used stays unless its scope or window changes",
    access: "admin",
    body: SetBudgetRequest,
    responses: { 200: BudgetView, 201: BudgetView },
  },
  deleteBudget: {
    method: "DELETE",
    path: budget,
    tag: "budgets",
    summary: "Remove a budget; runs that wait for it go on",
    access: "admin",
    responses: { 200: BudgetDeleted },
  },
});

/** What is done in sessions, and what is seen of it. */
const work = define({
  createSession: {
    method: "POST",
    path: "/v1/sessions",
    tag: "sessions",
    summary: "Create a session or return the known one",
    access: "admin",
    body: CreateSessionRequest,
    idempotent: true,
    narrowed: [{ from: "body", field: "session_id", resource: "sessions/{session_id}" }],
    responses: { 200: SessionView, 201: SessionView },
  },
  listSessions: {
    method: "GET",
    path: "/v1/sessions",
    tag: "sessions",
    summary: "List sessions",
    access: "read",
    query: SessionListQuery,
    responses: { 200: listOf(SessionViewSummary) },
  },
  getSession: {
    method: "GET",
    path: session,
    tag: "sessions",
    summary: "One session",
    access: "read",
    responses: { 200: SessionView },
  },
  sessionEvents: {
    method: "GET",
    path: `${session}/events`,
    tag: "sessions",
    summary: "Journal and run events",
    access: "read",
    query: z.object({ after_offset: z.string().optional(), limit: z.string().optional() }),
    responses: { 200: SessionEventLog },
  },
  sessionStream: {
    method: "GET",
    path: `${session}/stream`,
    tag: "streams",
    summary: "Live events of a session",
    access: "read",
    query: StreamQuery,
    kind: "sse",
    responses: { 200: StreamEvent },
  },
  sessionInput: {
    method: "POST",
    path: `${session}/input`,
    tag: "sessions",
    summary: "Submit and wait until the run settles or waits",
    access: "admin",
    body: SubmitInputRequest,
    idempotent: true,
    bodySize: "large",
    responses: { 200: SessionView },
  },
  submitRun: {
    method: "POST",
    path: `${session}/runs`,
    tag: "runs",
    summary: "Submit detached",
    access: "admin",
    body: SubmitInputRequest,
    idempotent: true,
    bodySize: "large",
    responses: { 202: RunView },
  },
  interruptSession: {
    method: "POST",
    path: `${session}/interrupt`,
    tag: "sessions",
    summary: "Stop the active run; `clear_queue=true` also cancels what waits behind it",
    access: "admin",
    query: z.object({ clear_queue: z.string().optional() }),
    body: noBody,
    bodyOptional: true,
    responses: { 200: InterruptResponse },
  },
  endSession: {
    method: "POST",
    path: `${session}/end`,
    tag: "sessions",
    summary: "Mark the session as ended",
    access: "admin",
    body: EndSessionRequest,
    responses: { 200: SessionView },
  },
  sessionPermissionAudits: {
    method: "GET",
    path: `${session}/permission-audits`,
    tag: "sessions",
    summary: "Permission decisions in order",
    access: "read",
    query: z.object({
      page: z.string().optional(),
      limit: z.string().optional(),
      cursor: z.string().optional(),
    }),
    responses: { 200: listOf(PermissionAudit) },
  },

  postPersona: persona.post,
  putPersona: persona.put,
  deletePersona: persona.delete,
  postCapabilityScope: capabilityScope.post,
  putCapabilityScope: capabilityScope.put,
  deleteCapabilityScope: capabilityScope.delete,
  postCredentialScope: credentialScope.post,
  putCredentialScope: credentialScope.put,
  deleteCredentialScope: credentialScope.delete,
  postRoutePolicy: routePolicy.post,
  putRoutePolicy: routePolicy.put,
  deleteRoutePolicy: routePolicy.delete,
  getReplyTargets: {
    method: "GET",
    path: `${session}/reply-targets`,
    tag: "sessions",
    summary: "Default reply targets",
    access: "read",
    responses: { 200: z.object({ reply_targets: z.array(ReplyHandle) }) },
  },
  postReplyTargets: replyTargets.post,
  putReplyTargets: replyTargets.put,
  deleteReplyTargets: replyTargets.delete,
  getOperator: {
    method: "GET",
    path: `${session}/operator`,
    tag: "sessions",
    summary: "Operator config",
    access: "read",
    responses: { 200: z.object({ operator: OperatorConfig }) },
  },
  postOperator: operator.post,
  putOperator: operator.put,
  deleteOperator: operator.delete,
  getToolOverrides: {
    method: "GET",
    path: `${session}/tool-overrides`,
    tag: "sessions",
    summary: "Tool overrides",
    access: "read",
    responses: { 200: ToolOverrides },
  },
  postToolOverrides: toolOverrides.post,
  putToolOverrides: toolOverrides.put,
  deleteToolOverrides: toolOverrides.delete,
  getInputContract: {
    method: "GET",
    path: `${session}/input-contract`,
    tag: "sessions",
    summary: "What the session's input must be; null when it may be anything",
    access: "read",
    responses: { 200: InputContract.nullable() },
  },
  postInputContract: inputContract.post,
  putInputContract: inputContract.put,
  deleteInputContract: inputContract.delete,
  getOutputContract: {
    method: "GET",
    path: `${session}/output-contract`,
    tag: "sessions",
    summary: "What the answers of the session's runs must be; null when they may be anything",
    access: "read",
    responses: { 200: OutputContract.nullable() },
  },
  postOutputContract: outputContract.post,
  putOutputContract: outputContract.put,
  deleteOutputContract: outputContract.delete,

  getGoal: {
    method: "GET",
    path: `${session}/goal`,
    tag: "goals",
    summary: "The session's goal; {} when it has none",
    access: "read",
    responses: { 200: GoalResponse },
  },
  createGoal: {
    method: "POST",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Give the session a goal; an active one is worked on while the session is idle",
    access: "admin",
    body: SetGoalRequest,
    responses: { 200: GoalResponse },
  },
  replaceGoal: {
    method: "PUT",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Give the session another goal, with a new id and nothing used",
    access: "admin",
    body: SetGoalRequest,
    responses: { 200: GoalResponse },
  },
  patchGoal: {
    method: "PATCH",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Change the goal that the caller has seen",
    access: "admin",
    body: PatchGoalRequest,
    responses: { 200: GoalResponse },
  },
  clearGoal: {
    method: "DELETE",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Remove the goal",
    access: "admin",
    responses: { 200: GoalResponse },
  },

  listRuns: {
    method: "GET",
    path: "/v1/runs",
    tag: "runs",
    summary: "List runs",
    access: "read",
    query: RunListQuery,
    narrowed: [{ from: "query", field: "session_id", resource: "sessions/{session_id}/runs" }],
    responses: { 200: listOf(RunView) },
  },
  getRun: {
    method: "GET",
    path: run,
    tag: "runs",
    summary: "One run",
    access: "read",
    responses: { 200: RunView },
  },
  runEvents: {
    method: "GET",
    path: `${run}/events`,
    tag: "runs",
    summary: "How the run moved",
    access: "read",
    responses: { 200: z.array(RunEventEntry) },
  },
  runStream: {
    method: "GET",
    path: `${run}/stream`,
    tag: "streams",
    summary: "Live events of a run",
    access: "read",
    query: StreamQuery,
    kind: "sse",
    responses: { 200: StreamEvent },
  },
  cancelRun: {
    method: "POST",
    path: `${run}/cancel`,
    tag: "runs",
    summary: "Cancel; naturally idempotent",
    access: "admin",
    body: noBody,
    bodyOptional: true,
    responses: { 200: RunView },
  },
  runDebug: {
    method: "GET",
    path: `${run}/debug`,
    tag: "runs",
    summary: "Debug evidence of a run",
    access: "admin",
    responses: { 200: RunDebugView },
  },
  runDebugArtifact: {
    method: "GET",
    path: `${run}/debug/artifacts/{artifact_id}`,
    tag: "runs",
    summary: "One debug artifact",
    access: "admin",
    kind: "text",
    responses: { 200: z.string() },
  },
  pruneRuns: {
    method: "POST",
    path: "/v1/runs/prune",
    tag: "runs",
    summary: "Delete debug evidence of old terminal runs",
    access: "admin",
    body: PruneRequest,
    verb: "admin",
    narrowed: [{ from: "body", field: "session_id", resource: "sessions/{session_id}/debug" }],
    responses: { 200: PruneResponse },
  },

  resolveRunApprovals: {
    method: "POST",
    path: `${run}/approvals`,
    tag: "approvals",
    summary: "Decide pending approvals of a run",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 202: RunView },
  },
  resolveSessionApprovals: {
    method: "POST",
    path: `${session}/approvals`,
    tag: "approvals",
    summary: "Decide and wait until the run settles or waits",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 200: SessionView },
  },
  resolveSessionApprovalRuns: {
    method: "POST",
    path: `${session}/approval-runs`,
    tag: "approvals",
    summary: "Decide pending approvals of the session's active run",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 202: RunView },
  },
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

  externalActions: {
    method: "GET",
    path: `${run}/external-actions`,
    tag: "audit",
    summary: "Signed records of what a run did to the world outside, verified",
    access: "read",
    responses: { 200: z.array(ExternalActionAuditRecord) },
  },
  exportAudit: {
    method: "GET",
    path: "/v1/audit/export",
    tag: "audit",
    summary: "A part of the audit's export file",
    access: "admin",
    query: AuditExportQuery,
    responses: { 200: AuditExportPage },
  },
  auditKeys: {
    method: "GET",
    path: "/v1/audit/keys",
    tag: "audit",
    summary: "The public keys that sign the audit, and how each took over",
    access: "admin",
    responses: { 200: AuditKeyRing },
  },

  eventsStream: {
    method: "GET",
    path: "/v1/events/stream",
    tag: "streams",
    summary: "Live events of the daemon",
    access: "read",
    query: GlobalStreamQuery,
    kind: "sse",
    narrowed: [
      { from: "query", field: "session_id", resource: "sessions/{session_id}/stream" },
      { from: "query", field: "run_id", resource: "runs/{run_id}/stream" },
    ],
    responses: { 200: StreamEvent },
  },
});

/**
 * Every route of the daemon, once: HTTP, CLI, SDK and the OpenAPI document read it. In two parts, because the compiler
 * writes no declaration of a type beyond a certain length.
 */
export const endpoints: typeof operations & typeof work = { ...operations, ...work };

export type EndpointId = keyof typeof endpoints;
