import {
  type ApprovalRequest,
  type CapabilityScope,
  type CredentialScope,
  type FallbackTrigger,
  type IsolationName,
  type Json,
  type JsonObject,
  type ModelGenerationConfig,
  type PermissionAudit,
  type PermissionMode,
  type PermissionRule,
  type PermissionUpdate,
  type Problem,
  type ResolvedModelRoute,
  type RouteCapabilities,
  type SandboxProfile,
  type SeenInput,
  type SessionGoal,
  ToolRuntimeLimits,
  type UserQuestion,
  type UserQuestionRequest,
  type UserQuestionResolution,
} from "@kheish/contract";
import type { Blobs } from "../kernel/blobs.ts";
import type { Clock } from "../kernel/clock.ts";
import type { AssistantMessage, Message, ToolCall, Usage } from "./messages.ts";
import type { SkillChange } from "./skills/port.ts";
import type { TaskChange, TaskPort } from "./tasks/port.ts";

export type { SandboxProfile, ToolRuntimeLimits } from "@kheish/contract";

/**
 * What the engine needs from the world, each the least it needs:
 * a model that answers a turn, tools that have effects, an authority that says yes, no or ask.
 * Failure that the loop must handle is a value; a port that throws has a bug.
 */

// ---------------------------------------------------------------- model

/** One model on one route. */
export interface RouteTarget {
  route_id: string;
  driver: string;
  model: string;
}

/** What a run is pinned to from its submission on (01-R16, 02-R34). */
export interface PinnedRoute extends RouteTarget {
  fallback_model?: string;
  /** Where the run goes on, in order, when its retries are spent on a failure of `fallback_on` (02-A8). */
  fallbacks?: readonly RouteTarget[];
  fallback_on?: readonly FallbackTrigger[];
}

export interface ModelRequest {
  route: PinnedRoute;
  /** Overrides `route.model`, for a fallback. */
  model: string;
  kind: "turn" | "compaction" | "search";
  system: string;
  messages: readonly Message[];
  /** Empty: the model may not call tools. */
  tools: readonly ToolSpec[];
  generation: ModelGenerationConfig;
  session_id: string;
  run_id: string;
  /** Counts the run's model calls from 0. */
  turn: number;
  /** What the session may resolve; absent: everything. */
  credential_scope?: CredentialScope;
  /** The provider is to search the web itself, within these limits; where its route can (02-R42). */
  search?: SearchLimits;
}

/** Hosts, with their subdomains. */
export interface SearchLimits {
  /** Empty: all. */
  allowed_domains: readonly string[];
  blocked_domains: readonly string[];
  /** The provider may look at pictures that it finds, where it can. */
  enable_image_understanding: boolean;
}

/** A page that a provider's own search found. */
export interface WebSource {
  url: string;
  title?: string;
  /** Passages of the page that the provider's model cites. */
  cited?: string[];
}

/** How a tool is shown to a model: `input_schema` is JSON Schema of an object. */
export interface ToolSpec {
  name: string;
  description: string;
  input_schema: JsonObject;
}

export interface ModelDelta {
  part: "text" | "reasoning";
  text: string;
}

/** Classes of provider failure (02-R45). */
export type ModelErrorClass =
  | "context_window_exceeded"
  | "rate_limited"
  | "auth"
  | "invalid_request"
  | "server_overloaded"
  | "transport"
  | "cancelled"
  | "unknown";

export interface ModelError {
  class: ModelErrorClass;
  /** For people; holds no secret. */
  message: string;
  status?: number;
  retryable: boolean;
  /** What the provider asked us to wait. */
  retry_after_ms?: number;
}

export type ModelOutcome =
  | {
      ok: true;
      message: Omit<AssistantMessage, "id">;
      /** What a search of the provider found, in its order. */
      sources?: WebSource[];
    }
  | { ok: false; error: ModelError };

export interface ModelCallOptions {
  signal: AbortSignal;
  /** An attempt failed and is made again: another request leaves. */
  onRetry?: (error: ModelError) => void;
  /** Deltas of an attempt that is later retried were shown in vain; the journal holds the final text only. */
  onDelta?: (delta: ModelDelta) => void;
}

export interface ModelLimits {
  /** Undefined when the model is unknown. */
  context_tokens?: number;
  max_output_tokens?: number;
}

export interface ModelPort {
  /** Answers one turn, retries of the provider included. Resolves in every case, also when `signal` aborts. */
  call(request: ModelRequest, options: ModelCallOptions): Promise<ModelOutcome>;
  limits(route: PinnedRoute, model: string): ModelLimits;
  /** What a call with this usage costs, in micro-USD; undefined when the price is not known. */
  priceOf(route: PinnedRoute, model: string, usage: Usage): number | undefined;
  /** Where calls of this route go: scheme, host and explicit port; the driver's name when it is no URL. */
  endpoint?(route: PinnedRoute): string;
  /** Whether the provider can search the web by itself for this model; absent: none can. */
  canSearch?(route: PinnedRoute, model: string): boolean;
}

/** The route that an operator made the default, with the model it is to use. */
export interface DefaultRoute {
  route_id: string;
  model: string;
}

/**
 * What submission needs to know about routes; implemented by the route inventory.
 * `chosen` stands in the place of the default that the inventory begins with; should its route be gone, there is no
 * default, for nothing may drift to another route (02-R37).
 */
export interface RouteResolver {
  /**
   * Resolves and checks readiness (02-R35, 02-R36).
   * Throws problems `runtime/runtime_validation_failed` and `routes/route_not_ready`.
   */
  resolve(
    selection: { provider?: string; model?: string; fallback_model?: string },
    chosen?: DefaultRoute,
  ): PinnedRoute;
  /**
   * Gives the route that `resolve` would choose the one chance it has of becoming ready: an account whose token is over
   * is refreshed (02-R36). Undefined when there is nothing to wait for; never rejects for what `resolve` will say.
   */
  prepare?(
    selection: { provider?: string; model?: string; fallback_model?: string },
    chosen?: DefaultRoute,
  ): Promise<void> | undefined;
  /** Default first. */
  routes(chosen?: DefaultRoute): ResolvedModelRoute[];
  readiness(chosen?: DefaultRoute): RouteReadiness[];
}
export interface RouteReadiness {
  route_id: string;
  provider: string;
  model: string;
  active: boolean;
  capabilities: RouteCapabilities;
  /** 02-R40. */
  state: "ok" | "warning" | "error";
  code: string;
  message: string;
  action?: string;
  /** The slot that holds the credential, and what operators may know of it; absent for a route without one. */
  auth_ref?: string;
  auth_mode?: string;
  auth_summary?: string;
  auth_updated_at_ms?: number;
}

/** What models cost. */
export interface PricePort {
  /** What a call with this usage costs, in micro-USD; undefined when the price is not known. */
  priceOf(route: PinnedRoute, model: string, usage: Usage): number | undefined;
}

// ---------------------------------------------------------------- tools

/**
 * What a crash between dispatch and outcome means.
 * `read`: run again. `idempotent`: run again with the same key. `once`: never repeated on its own.
 */
export type EffectClass = "read" | "idempotent" | "once";

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input_schema: JsonObject;
  readonly effect: EffectClass;
  readonly timeoutMs: number;
  readonly sandbox: SandboxProfile;
  /** Callable, but not shown to models: a tool for load tests. */
  readonly unlisted?: boolean;
  /** May be left out of prompts until it is searched for, when there are many like it. */
  readonly deferrable?: boolean;
  /** Where it comes from, when an MCP server offers it; `tool` is the name that it has there. */
  readonly mcp?: { readonly server: string; readonly tool: string };
  /**
   * What a call reaches, for the audit: a kind and a target without secrets. Absent: the tool's name.
   * `internal`: it touches nothing but the daemon's own state, which its journal accounts for.
   */
  readonly boundary?: "internal" | ((input: Json) => ToolBoundary);
  /** What keeps what it starts apart from the machine; absent: it starts nothing. */
  readonly isolation?: IsolationName;
  /** False: runs alone in its batch. */
  readonly allowsParallel: boolean;
  /** Validates and normalises the model's input; answers the first mismatch in words a model can act on. */
  parse(input: Json): { ok: true; input: Json } | { ok: false; error: string };
  /** Rejects only on a bug; a refusal or failure of the tool is an outcome. */
  execute(input: Json, context: ToolContext): Promise<ToolOutcome>;
  /** Reads back what a call did whose outcome was lost. Absent: it cannot be known. */
  reconcile?(input: Json, context: ToolContext): Promise<Reconciled>;
}

export interface ToolBoundary {
  kind: string;
  target: string;
}

export interface ToolContext {
  session_id: string;
  run_id: string;
  call_id: string;
  /** Whose run it is: for records of what leaves beside the call itself. */
  agent_id?: string;
  principal?: string;
  /** Stable across attempts of one call. */
  idempotency_key: string;
  /** Absolute, real path; every path a tool touches stays inside. */
  workspace_root: string;
  limits: ToolRuntimeLimits;
  blobs: Blobs;
  clock: Clock;
  /** The session's goal when the call left. */
  goal?: SessionGoal;
  /** The session's tasks; absent where there are none, and no command in the background. */
  tasks?: TaskPort;
  /** What the session may see and whose credentials it may use; absent: everything. */
  capability_scope?: CapabilityScope;
  credential_scope?: CredentialScope;
  /** Where the run's model calls go now, with the model. */
  route?: PinnedRoute;
  /**
   * Whether the rules in force would let the same tool do this as well without asking anybody: for what a call only
   * learns on its way. Absent: nothing speaks against it.
   */
  permits?: (input: Json) => Promise<boolean>;
  /** Set when the call had asked, with `resume`, and somebody answered: it goes on from there. */
  resumed?: Resumed;
  /** Aborts on cancel, interrupt, timeout and drain. */
  signal: AbortSignal;
}

export type ToolOutcome =
  | {
      kind: "result";
      output: Json;
      is_error: boolean;
      context_updates?: ContextUpdate[];
      state?: ToolStateChange;
      /** What a model used for it on the run's route: charged like a call of the run's own. */
      usage?: Usage;
    }
  /** Asks for a change of the session's goal; what becomes of it is the call's result. */
  | { kind: "goal"; change: GoalChange }
  /** Asks for a change of the session's tasks; what becomes of it is the call's result. */
  | { kind: "task"; change: TaskChange }
  /** Makes a skill active, or ends it; what becomes of it is the call's result. */
  | { kind: "skill"; change: SkillChange }
  /** Begins or ends planning; what becomes of it is the call's result. */
  | { kind: "plan"; change: PlanChange }
  /**
   * Parks the run until somebody answers. With `resume` the answer is not the call's result: the call is made again and
   * finds it, with what it kept here, in its context.
   */
  | { kind: "ask"; questions: UserQuestion[]; expires_at_ms?: number; resume?: Json }
  /** It left, and nobody will say what became of it: treated as if the daemon had died meanwhile. */
  | { kind: "lost" };

/** The answer that a call goes on with. */
export interface Resumed {
  /** What the call kept when it asked. */
  state: Json;
  resolution: UserQuestionResolution;
}

/** A change of session state that is committed together with the tool's result. */
export type ToolStateChange =
  | { type: "todos"; todos: Json[] }
  /** The model sees how these background commands ended. */
  | { type: "tasks_told"; task_ids: string[] };

export type GoalChange = { type: "create"; objective: string; token_budget?: number } | { type: "complete" };

export type PlanChange = { type: "enter"; note?: string } | { type: "exit"; plan: string; summary?: string };

export type ContextUpdate =
  | { type: "file_read"; path: string }
  | { type: "file_modified"; path: string }
  | { type: "web_resource_visited"; uri: string };

export type Reconciled =
  | { kind: "applied"; output: Json }
  | { kind: "not_applied" }
  | { kind: "unknown"; detail?: string };

/** 03, ToolRuntimeLimits; an operator may set others while the daemon runs (02-R11). */
export const DEFAULT_TOOL_LIMITS: ToolRuntimeLimits = ToolRuntimeLimits.parse({});

export interface ToolPort {
  /** Every tool, sorted by name. */
  all(): readonly Tool[];
  get(name: string): Tool | undefined;
}

// ---------------------------------------------------------------- authority

export type Decision = "allow" | "ask" | "deny";

export interface Verdict {
  decision: Decision;
  /** Why it was denied or has to be asked. */
  reason: string;
  audit: PermissionAudit;
  /** Of an `ask`: how many different principals have to allow it. */
  required_approvals?: number;
}

/** A rule as it stands; its revision is the record's. */
export type StandingRule = Omit<PermissionRule, "revision">;

/** What a call is judged by, besides itself. */
export interface AuthorityContext {
  /** In force now. */
  mode: PermissionMode;
  /** The rules that somebody made and that hold here and now, in the order they were made. */
  rules: readonly StandingRule[];
  /** What hooks added for the session, above its own rules (03-R20). */
  updates?: readonly PermissionUpdate[];
  /** Names the call's canonical input; asked for only where a rule is bound to one. */
  inputDigest: () => string;
  workspaceRoot: string;
}

export interface AuthorityPort {
  /** Decides one call (03-R19 to 03-R23). Pure: same call, same context, same verdict. */
  decide(call: ToolCall, context: AuthorityContext): Verdict;
  /** What rules see of a call's input. */
  seen(call: ToolCall, workspaceRoot: string): SeenInput | undefined;
  /** Whether what is to be remembered fits the call that it is remembered of (03-A5). */
  covers(
    rule: Pick<StandingRule, "tool_name_pattern" | "match" | "behavior">,
    call: ToolCall,
    workspaceRoot: string,
  ): boolean;
}

/** The rules of structured questions (03-R38, 03-R39). */
export interface QuestionPort {
  /** The first thing wrong with an answer. */
  check(request: UserQuestionRequest, resolution: UserQuestionResolution): Problem | undefined;
  /** What the asking tool returns to the model. */
  render(request: UserQuestionRequest, resolution: UserQuestionResolution): Json;
}

/** An approval as it is stored while it waits: the input stands in the journal, not here. */
export type StoredApproval = Omit<ApprovalRequest, "input"> & {
  /** Of what no message asked for: an extension of a budget. */
  input?: Json;
};
