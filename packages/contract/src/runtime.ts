import { z } from "zod";
import { AuditStatus } from "./audit.ts";
import { BudgetsStatus } from "./budgets.ts";
import { HookSettings, HooksStatus } from "./hooks.ts";
import { Json, Millis } from "./json.ts";
import { McpRuntimeSnapshot } from "./mcp.ts";
import { LearningPolicy, RunMemoryPolicy } from "./policies.ts";
import {
  DebugLevel,
  PermissionMode,
  RuntimeConfigMetadataView,
  SystemPromptSettings,
} from "./runtime-settings.ts";
import { SandboxStatus } from "./sandbox.ts";
import { RuntimeSkillSnapshot } from "./skills.ts";
import { TasksStatus } from "./tasks.ts";
import { ToolRuntimeLimits } from "./tool-limits.ts";

export const RouteCapabilities = z
  .object({
    matrix_version: z.int(),
    multimodal_input: z.boolean(),
    native_web_search: z.boolean(),
    image_generation: z.boolean(),
    image_edit: z.boolean(),
    audio_generation: z.boolean(),
    transcription: z.boolean(),
  })
  .meta({ id: "RouteCapabilities" });
export type RouteCapabilities = z.infer<typeof RouteCapabilities>;

export const ResolvedModelRoute = z
  .object({
    route_id: z.string(),
    provider: z.string().describe("driver name"),
    model: z.string(),
    auth_ref: z.string().optional(),
    capabilities: RouteCapabilities,
  })
  .meta({ id: "ResolvedModelRoute" });
export type ResolvedModelRoute = z.infer<typeof ResolvedModelRoute>;

/** What is wrong with the routes as they are now (02-R30). */
export const RouteDiagnosticView = z
  .object({
    severity: z.enum(["info", "warning", "error"]),
    code: z.string(),
    route_id: z.string().optional(),
    message: z.string(),
  })
  .meta({ id: "RouteDiagnosticView" });
export type RouteDiagnosticView = z.infer<typeof RouteDiagnosticView>;

/** What becomes of debug evidence, and whether it can be kept as it was asked for. */
export const DebugCaptureView = z
  .object({
    ttl_ms: z.int().describe("after the run's end; 0 keeps it until it is pruned"),
    gc_interval_ms: z.int(),
    max_artifact_bytes: z.int(),
    max_run_bytes: z.int(),
    max_artifacts_per_run: z.int(),
    max_store_bytes: z.int(),
    encryption: z.object({
      status: z.enum(["off", "ok", "invalid"]),
      key_id: z.string().optional(),
    }),
    redact_tokens: z.object({
      status: z.enum(["none", "ok", "unreadable"]),
      source: z.enum(["inline", "file"]).optional(),
      count: z.int(),
    }),
  })
  .meta({ id: "DebugCaptureView" });
export type DebugCaptureView = z.infer<typeof DebugCaptureView>;

export const RuntimeSettingsView = z
  .object({
    workspace_root: z.string().optional(),
    state_root: z.string().optional(),
    default_route: ResolvedModelRoute.optional(),
    route_id: z.string().optional(),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    routes: z.array(ResolvedModelRoute).optional(),
    route_diagnostics: z.array(RouteDiagnosticView),
    permission_mode: PermissionMode,
    system_prompt: SystemPromptSettings,
    hooks: HookSettings.describe("bodies are redacted"),
    debug_level: DebugLevel,
    debug_capture: DebugCaptureView.optional(),
    learning_policy: LearningPolicy,
    run_memory_policy: RunMemoryPolicy,
    tool_runtime_limits: ToolRuntimeLimits,
    mcp: McpRuntimeSnapshot.optional().describe("absent where the daemon has no MCP client"),
    skills: RuntimeSkillSnapshot.optional().describe("absent where the daemon looks for none"),
    config: RuntimeConfigMetadataView,
  })
  .meta({ id: "RuntimeSettingsView" });
export type RuntimeSettingsView = z.infer<typeof RuntimeSettingsView>;

export const DaemonCapabilities = z
  .object({
    control_plane_version: z.string(),
    api_revision: z.int(),
    route_capability_matrix_version: z.int(),
    approvals: z.boolean(),
    sidechains: z.boolean(),
    mailboxes: z.boolean(),
    session_events: z.boolean(),
    restart_restore: z.boolean(),
    live_events: z.boolean(),
    session_run_idempotency: z.boolean(),
    playbooks: z.boolean(),
    flows: z.boolean(),
    problem_details: z.boolean(),
    openapi: z.boolean(),
    cursor_pagination: z.boolean(),
    paginated_lists: z.boolean(),
    domain_errors: z.boolean(),
    sse_replay: z.boolean(),
    typed_sse_heartbeat: z.boolean(),
    agent_supervisor_audit: z.boolean(),
    spawn_policies: z.boolean(),
  })
  .meta({ id: "DaemonCapabilities" });
export type DaemonCapabilities = z.infer<typeof DaemonCapabilities>;

export const StatusWarning = z.object({
  severity: z.enum(["info", "warning", "error"]),
  code: z.string(),
  message: z.string(),
  related_id: z.string().optional(),
  action: z.string().optional(),
});
export type StatusWarning = z.infer<typeof StatusWarning>;

export const RunsStatus = z
  .object({
    total: z.int(),
    queued: z.int(),
    running: z.int(),
    waiting_for_approval: z.int(),
    waiting_for_user_question: z.int(),
    completed: z.int(),
    failed: z.int(),
    interrupted: z.int(),
    cancelled: z.int(),
    pending_approval_count: z.int(),
    pending_question_count: z.int(),
    max_session_queue_depth: z.int(),
    oldest_queued_run_id: z.string().optional(),
    oldest_queued_run_age_ms: z.int().optional(),
    oldest_non_terminal_run_id: z.string().optional(),
    oldest_non_terminal_run_age_ms: z.int().optional(),
    oldest_non_terminal_run_idle_ms: z.int().optional(),
    queued_run_lag_threshold_ms: z.int(),
    stale_non_terminal_run_threshold_ms: z.int(),
    stale_non_terminal_run_count: z.int(),
    stale_non_terminal_run_ids: z.array(z.string()),
  })
  .meta({ id: "RunsStatus" });
export type RunsStatus = z.infer<typeof RunsStatus>;

export const EventsStatus = z
  .object({
    history_capacity: z.int(),
    retained_event_count: z.int(),
    subscriber_count: z.int(),
    oldest_event_id: z.string().optional(),
    newest_event_id: z
      .string()
      .optional()
      .describe("the newest event that the stream of the whole daemon shows"),
    next_event_id: z.string().describe("no event that is still to come has a smaller id"),
    tail_event_id_cursor: z
      .string()
      .describe("from here on a stream shows what is new; 0 while there is nothing"),
    replay_buffer_utilization_percent: z.number(),
    evicted_event_count: z.int(),
    replay_gap_count: z.int(),
    stream_lagged_event_count: z.int(),
    scope_eviction_floor_id: z.string(),
    evicted_session_scope_count: z.int(),
    evicted_run_scope_count: z.int(),
  })
  .meta({ id: "EventsStatus" });
export type EventsStatus = z.infer<typeof EventsStatus>;

/** Whether one of the daemon's directories can be written to. */
export const StorageProbe = z
  .object({
    name: z.string(),
    path: z.string(),
    state: z.enum(["ok", "warning", "error"]),
    writable: z.boolean(),
    latency_ms: z.int(),
    code: z.string(),
    message: z.string(),
    action: z.string().optional(),
  })
  .meta({ id: "StorageProbe" });

export const DaemonStatusView = z
  .object({
    snapshot_at_ms: Millis,
    process_id: z.int(),
    status: z.enum(["ready", "draining"]),
    ready: z.boolean(),
    capabilities: DaemonCapabilities,
    runtime: RuntimeSettingsView,
    control_plane: z.looseObject({
      base_url: z.string(),
      bind_addr: z.string().optional(),
      bind_is_loopback: z.boolean(),
      auth_enabled: z.boolean(),
      read_only_token_enabled: z.boolean(),
      auth_effective_admin_token_available: z.boolean().optional(),
      auth_duplicate_token: z.boolean().optional(),
      auth_token_files: z
        .array(
          z.object({
            role: z.enum(["admin", "read_only"]),
            path: z.string(),
            readable: z.boolean(),
            token_loaded: z.boolean(),
            error: z.string().optional(),
          }),
        )
        .optional(),
      cors_policy: z.enum(["loopback", "exact"]),
      cors_allowed_origin_count: z.int(),
      externally_exposed_without_auth: z.boolean(),
    }),
    storage: z.looseObject({
      checked_at_ms: Millis,
      ok: z.boolean(),
      engine: z.enum(["sqlite", "postgres"]),
      schema_version: z.int(),
      write_error_count: z.int(),
      probes: z.array(StorageProbe),
      state_root_lock: z.object({ path: z.string(), held: z.boolean(), mechanism: z.string() }).optional(),
      session_storage: z.looseObject({ session_count: z.int(), total_bytes: z.int() }).optional(),
    }),
    provider_readiness: z.looseObject({
      route_count: z.int(),
      ready_route_count: z.int(),
      active_route_ready: z.boolean(),
      routes: z.array(Json),
    }),
    health: z.looseObject({ generated_at_ms: Millis, ok: z.boolean(), warnings: z.array(StatusWarning) }),
    hooks: HooksStatus,
    events: EventsStatus,
    audit: AuditStatus.optional(),
    sessions: z.object({ total: z.int() }),
    runs: RunsStatus,
    run_memory: z.looseObject({ policy: RunMemoryPolicy }),
    budgets: BudgetsStatus.optional(),
    tasks: TasksStatus.optional(),
    sandbox: SandboxStatus.optional(),
  })
  .meta({ id: "DaemonStatusView" });
export type DaemonStatusView = z.infer<typeof DaemonStatusView>;
