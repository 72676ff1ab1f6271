import { hash } from "node:crypto";
import type { AdminChangeDetail, Json } from "@kheish/contract";
import type { AdminChange, ExternalAction } from "./audit-port.ts";
import { digest } from "./ledger.ts";
import type { Message } from "./messages.ts";
import type {
  ModelError,
  ModelErrorClass,
  ModelOutcome,
  ModelPort,
  PinnedRoute,
  Tool,
  ToolBoundary,
  ToolPort,
} from "./ports.ts";
import type { Kept } from "./records.ts";
import type { SessionChange } from "./session-change.ts";
import type { CallState, Entry } from "./state.ts";

/** What an external action of a run is accounted for with (02-R74). Digests only: nothing that was sent or answered. */
type Scope = Pick<ExternalAction, "session_id" | "agent_id" | "run_id" | "principal_id">;
type Run = Pick<Kept<"run">["data"], "session_id" | "agent_id" | "run_id" | "principal">;

function scopeOf(run: Run): Scope {
  return {
    session_id: run.session_id,
    agent_id: run.agent_id,
    run_id: run.run_id,
    principal_id: run.principal,
  };
}

// ---------------------------------------------------------------- tools

/** Undefined for a tool that touches nothing but the daemon's own state. */
function boundaryOf(tool: Tool | undefined, name: string, input: Json): ToolBoundary | undefined {
  if (tool?.boundary === "internal") return undefined;
  return tool?.boundary === undefined ? { kind: "tool", target: name } : tool.boundary(input);
}

/** A call is about to leave. */
export function auditDispatch(change: SessionChange, run: Run, tools: ToolPort, call: CallState): void {
  const { id, name, input } = call.call;
  const boundary = boundaryOf(tools.get(name), name, input);
  if (boundary === undefined) return;
  change.audit({
    ...scopeOf(run),
    tool_call_id: id,
    phase: "request",
    ...boundary,
    request_digest: digest(input),
  });
}

export interface CallOutcome {
  /** Absent: nobody knows what it answered. */
  output?: Json;
  /** SHA-256 of an output that is kept as a blob. */
  output_sha256?: string;
  /** `ok`, `not_applied`, or a failure by its class; absent: a failure of no particular class. */
  outcome?: string;
}

/** What came of a call that had left. */
export function auditOutcome(
  change: SessionChange,
  run: Run,
  tools: ToolPort,
  { call }: CallState,
  { output, output_sha256: blob, outcome }: CallOutcome,
): void {
  const boundary = boundaryOf(tools.get(call.name), call.name, call.input);
  if (boundary === undefined) return;
  const response = blob ?? (output === undefined ? undefined : sha256(JSON.stringify(output)));
  change.audit({
    ...scopeOf(run),
    tool_call_id: call.id,
    phase: outcome === "ok" ? "response" : "failed",
    ...boundary,
    ...(response === undefined ? {} : { response_digest: response }),
    outcome: outcome ?? "failed",
  });
}

/** The run ended before the call did. */
export function auditLost(change: SessionChange, run: Run, tools: ToolPort, call: CallState): void {
  auditOutcome(change, run, tools, call, { outcome: "failed:interrupted" });
}

/** A failed call's class, from what its result says about itself and never from its words (weakness 22). */
export function failureOf(output: Json): string {
  if (typeof output !== "object" || output === null || Array.isArray(output)) return "failed";
  if (output.interrupted === true) return "failed:interrupted";
  if (output.timed_out === true) return "failed:timeout";
  if (output.quota !== undefined) return "failed:response_too_large";
  const named = output.failure_class;
  return typeof named === "string" && FAILURE_CLASSES.has(named) ? `failed:${named}` : "failed";
}

/** What a tool may say that it failed by (02-R74). */
const FAILURE_CLASSES = new Set(
  (
    "blocked_private_network blocked_credentials response_too_large unsupported_content_type unauthorized permission " +
    "status connect decode invalid_request transport internal"
  ).split(" "),
);

/** A command that ran and said that it failed is a result to the model, and a failed action to an auditor. */
export function successOf(output: Json): string {
  const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
  return isObject && typeof output.exit_code === "number" && output.exit_code !== 0
    ? "failed:exit_status"
    : "ok";
}

// ---------------------------------------------------------------- models

export interface ModelCall {
  run: Run;
  /** Of this call: the pinned one, or the one that it fell back to. */
  route: PinnedRoute;
  model: string;
  models: ModelPort;
  /** The run's first, as far as its driver knows. */
  isFirst: boolean;
  purpose: "turn" | "compaction";
}

/** A model is about to be asked. The digest is of what it is shown, message by message. */
export function auditModelRequest(change: SessionChange, call: ModelCall, shown: readonly Entry[]): void {
  change.audit({
    ...modelAction(call),
    phase: "request",
    request_digest: promptDigest(call, shown),
    ...(call.isFirst ? { begins: true } : {}),
  });
}

/** What a model answered, or why it did not; `retries` are the attempts before, each of which had left. */
export function auditModelOutcome(
  change: SessionChange,
  call: ModelCall,
  answer: ModelOutcome,
  retries: readonly ModelError[],
): void {
  const action = modelAction(call);
  for (const error of retries) {
    change.audit({ ...action, phase: "failed", outcome: failureOfModel(error) });
    change.audit({ ...action, phase: "request" });
  }
  if (!answer.ok) change.audit({ ...action, phase: "failed", outcome: failureOfModel(answer.error) });
  else
    change.audit({
      ...action,
      phase: "response",
      response_digest: sha256(JSON.stringify(answer.message)),
      outcome: "ok",
    });
}

function modelAction({ run, route, models }: ModelCall): Scope & ToolBoundary {
  return {
    ...scopeOf(run),
    kind: "provider_request",
    target: models.endpoint?.(route) ?? route.driver,
  };
}

const FAILURES: Record<ModelErrorClass, string> = {
  context_window_exceeded: "failed:invalid_request",
  rate_limited: "failed:status",
  auth: "failed:unauthorized",
  invalid_request: "failed:invalid_request",
  server_overloaded: "failed:status",
  transport: "failed:transport",
  cancelled: "failed:interrupted",
  unknown: "failed:internal",
};

/** `failed:<class>` of a model call. */
export function failureOfModel(error: ModelError): string {
  return error.class === "unknown" && error.status !== undefined ? "failed:status" : FAILURES[error.class];
}

/** A message is digested once, however often it is shown. */
const digests = new WeakMap<Message, string>();

function promptDigest({ route, model, purpose }: ModelCall, shown: readonly Entry[]): string {
  const head = `${purpose}\n${route.route_id}\n${model}\n`;
  return sha256(head + shown.map(({ message }) => digestOf(message)).join(""));
}

function digestOf(message: Message): string {
  const known = digests.get(message);
  if (known !== undefined) return known;
  const made = sha256(JSON.stringify(message));
  digests.set(message, made);
  return made;
}

// ---------------------------------------------------------------- operators

export const ADMIN_CHANGE = "admin_change";

export function adminAction(admin: AdminChange): ExternalAction {
  const { principal, target, change, request_id, reason, withdraws } = admin;
  const detail: AdminChangeDetail = {
    ...(request_id === undefined ? {} : { request_id }),
    ...(reason === undefined ? {} : { reason }),
    change,
  };
  return {
    principal_id: principal,
    phase: "applied",
    kind: ADMIN_CHANGE,
    target,
    request_digest: digest(detail as unknown as Json),
    outcome: "ok",
    detail,
    ...(withdraws === undefined ? {} : { withdraws }),
  };
}

/** Who allowed or denied a call. The digest is that of the decision. */
export function auditDecision(
  change: SessionChange,
  run: Run,
  decision: { tool_call_id: string; tool_name: string; digest: string; by: string; behavior: string },
): void {
  change.audit({
    ...scopeOf(run),
    principal_id: decision.by,
    tool_call_id: decision.tool_call_id,
    phase: "applied",
    kind: "approval",
    target: decision.tool_name,
    request_digest: decision.digest,
    outcome: decision.behavior,
  });
}

/** Who answered, or declined to answer, what a run asked. The digest is that of the answer. */
export function auditAnswer(
  change: SessionChange,
  run: Run,
  answer: { tool_call_id: string; digest: string; by: string; outcome: "answered" | "declined" },
): void {
  change.audit({
    ...scopeOf(run),
    principal_id: answer.by,
    tool_call_id: answer.tool_call_id,
    phase: "applied",
    kind: "question",
    target: "ask_user_question",
    request_digest: answer.digest,
    outcome: answer.outcome,
  });
}

/** Who stopped a run. It takes no authority to be vouched for: a run can be stopped while the ledger fails. */
export function auditStop(
  change: SessionChange,
  run: Run,
  stop: { by: string; outcome: "cancelled" | "interrupted" },
): void {
  change.audit({
    ...scopeOf(run),
    principal_id: stop.by,
    phase: "applied",
    kind: "run_control",
    target: "run",
    outcome: stop.outcome,
  });
}

/** Who cancelled all that waited in a session's queue: said once, for the session. */
export function auditClearedQueue(
  change: SessionChange,
  { session_id, agent_id }: Pick<Run, "session_id" | "agent_id">,
  by: string,
): void {
  change.audit({
    session_id,
    agent_id,
    principal_id: by,
    phase: "applied",
    kind: "run_control",
    target: "queue",
    outcome: "cancelled",
  });
}

function sha256(bytes: string): string {
  return hash("sha256", bytes, "hex");
}
