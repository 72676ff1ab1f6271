import type { Json } from "./json.ts";
import type { ProblemDetails } from "./problem-details.ts";

/**
 * The one registry of problems: domain -> code -> HTTP status.
 * Nobody matches on messages; a new failure is a new row here.
 */
export const problemRegistry = {
  api: {
    route_not_found: 404,
    method_not_allowed: 405,
    malformed_json: 400,
    unsupported_media_type: 415,
    request_body_invalid: 422,
    request_query_invalid: 400,
    request_path_invalid: 400,
    payload_too_large: 413,
    headers_too_large: 431,
    too_many_streams: 503,
    too_many_streams_of_caller: 429,
    too_many_requests: 429,
    internal_error: 500,
    store_unavailable: 503,
    storage_full: 503,
    store_damaged: 500,
  },
  auth: {
    missing_token: 401,
    malformed_token: 401,
    invalid_token: 401,
    insufficient_access: 403,
    rate_limited: 429,
    subject_not_found: 404,
    lease_not_found: 404,
    account_not_found: 404,
    account_not_oauth: 400,
    account_disabled: 409,
    account_login_required: 409,
    account_refresh_failed: 503,
  },
  cors: { origin_not_allowed: 403 },
  tokens: {
    token_not_found: 404,
    token_name_taken: 409,
    token_limit_reached: 409,
    token_wider_than_creator: 403,
    token_expiry_invalid: 400,
    token_needs_auth: 409,
  },
  sessions: {
    session_not_found: 404,
    session_busy: 409,
    session_not_idle: 409,
    conflict: 409,
    session_id_invalid: 400,
    input_contract_violated: 400,
    input_contract_schema_unsupported: 400,
    output_contract_schema_unsupported: 400,
  },
  runs: {
    run_not_found: 404,
    run_state_conflict: 409,
    run_turn_not_found: 404,
    input_empty: 400,
    input_ambiguous: 400,
    input_item_invalid: 400,
    metadata_reserved: 400,
    run_debug_not_found: 404,
    run_debug_artifact_not_found: 404,
    run_debug_artifact_unreadable: 409,
    run_retention_invalid_request: 400,
  },
  personas: { persona_not_found: 404 },
  idempotency: { invalid_idempotency_key: 400, idempotency_conflict: 409 },
  approvals: {
    approval_state_conflict: 409,
    approval_batch_empty: 400,
    approval_duplicate_resolution: 400,
    approval_request_not_pending: 400,
    approval_input_invalid: 400,
    approval_remember_invalid: 400,
  },
  permissions: {
    permission_rule_not_found: 404,
    permission_rule_exists: 409,
    permission_rule_revision_conflict: 409,
    permission_rule_limit_reached: 409,
    permission_rule_remembered: 409,
    permission_rule_invalid: 400,
  },
  questions: {
    question_state_conflict: 409,
    question_expired: 409,
    question_resolution_conflict: 409,
    question_request_mismatch: 400,
    question_option_not_found: 400,
    question_answer_missing: 400,
    question_duplicate_answer: 400,
    question_duplicate_option: 400,
    question_declined_with_answers: 400,
    question_single_select_violation: 400,
    question_answer_empty: 400,
    question_unknown_answer: 400,
  },
  goals: {
    goal_not_found: 404,
    goal_already_exists: 409,
    goal_conflict: 409,
    goal_session_not_idle: 409,
    goal_invalid_request: 400,
  },
  tasks: { task_not_found: 404 },
  budgets: {
    budget_not_found: 404,
    budget_already_exists: 409,
    budget_revision_conflict: 409,
    budget_invalid_request: 400,
    budget_scope_unsupported: 400,
    budget_price_unknown: 409,
    budget_exhausted: 409,
  },
  routes: {
    route_not_ready: 400,
    route_not_found: 400,
    route_unknown: 404,
    route_already_exists: 409,
    route_not_removable: 409,
    routes_file_missing: 409,
    routes_file_invalid: 400,
  },
  runtime: {
    route_blocked_by_credential_scope: 400,
    runtime_validation_failed: 400,
    runtime_revision_conflict: 409,
    runtime_revision_not_found: 404,
    runtime_precondition_failed: 412,
    invalid_tool_runtime_limits: 400,
    invalid_learning_policy: 400,
    invalid_run_memory_policy: 400,
    invalid_hook_settings: 400,
    runtime_change_blocked: 409,
    hook_dead_letter_not_found: 404,
    debug_capture_key_invalid: 400,
    secret_not_found: 404,
    secret_invalid: 400,
    secret_in_use: 409,
    secret_revision_conflict: 409,
    master_key_missing: 409,
    master_key_conflict: 409,
    mcp_server_exists: 409,
    mcp_server_not_found: 404,
    mcp_server_not_removable: 409,
    mcp_server_unreachable: 400,
    mcp_tool_conflict: 409,
    mcp_tool_not_found: 404,
    mcp_config_invalid: 400,
  },
  skills: {
    skill_not_found: 404,
    skill_not_active: 404,
    skill_exists: 409,
    skill_not_removable: 409,
    skill_not_inline: 409,
    skill_not_loaded: 409,
    skill_limit_reached: 409,
    skill_revision_conflict: 409,
    skill_invalid: 400,
  },
  pagination: { invalid_limit: 400, invalid_cursor: 400, invalid_order: 400 },
  events: { invalid_event_cursor: 400, invalid_stream_option: 400 },
  backups: { backup_in_progress: 409 },
  audit: { audit_unavailable: 503, audit_verification_failed: 500 },
  readiness: { daemon_draining: 503, state_root_lost: 503 },
  console: { asset_not_found: 404 },
  docs: { docs_page_not_found: 404 },
} as const;

export type ProblemDomain = keyof typeof problemRegistry;
export type ProblemCode<D extends ProblemDomain> = keyof (typeof problemRegistry)[D] & string;

const titles: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Payload Too Large",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const genericCodes: Record<number, string> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "payload_too_large",
  429: "rate_limited",
  500: "internal_error",
  503: "service_unavailable",
};

/** Extra members a problem document may carry; never a secret, never a path of the host. */
export interface ProblemExtras {
  errors?: { path: string; message: string }[];
  run_id?: string;
  incident_id?: string;
  headers?: Record<string, string>;
}

/** A typed refusal. Services throw it; the surface renders it as RFC 9457. */
export class Problem extends Error {
  readonly domain: string | undefined;
  readonly code: string;
  readonly status: number;
  readonly extras: ProblemExtras;

  constructor(
    domain: string | undefined,
    code: string,
    status: number,
    detail: string,
    extras: ProblemExtras = {},
  ) {
    super(detail);
    this.name = "Problem";
    this.domain = domain;
    this.code = code;
    this.status = status;
    this.extras = extras;
  }

  toDetails(): ProblemDetails {
    const { headers: _headers, ...members } = this.extras;
    return {
      type: `urn:kheish:problem:${this.code}`,
      title: titles[this.status] ?? "Daemon Error",
      status: this.status,
      detail: this.message,
      code: this.code,
      ...(this.domain === undefined ? {} : { domain: this.domain }),
      ...members,
    };
  }
}

/** A problem of the registry; `detail` says what, where and how to fix it. */
export function problem<D extends ProblemDomain>(
  domain: D,
  code: ProblemCode<D>,
  detail: string,
  extras: ProblemExtras = {},
): Problem {
  const status = (problemRegistry[domain] as Record<string, number>)[code] ?? 500;
  return new Problem(domain, code, status, detail, extras);
}

/** A problem for an answer that a lower layer produced without a type of its own. */
export function genericProblem(status: number, detail: string): Problem {
  return new Problem(undefined, genericCodes[status] ?? "daemon_error", status, detail);
}

export function isProblem(error: unknown): error is Problem {
  return error instanceof Problem;
}

/** The members of a problem as plain data, for a run's stored error. */
export function problemData(error: Problem): { [key: string]: Json } {
  return { domain: error.domain ?? null, code: error.code, status: error.status, detail: error.message };
}
