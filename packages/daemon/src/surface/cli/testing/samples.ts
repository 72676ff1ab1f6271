import {
  type ApprovalRequest,
  type DaemonStatusView,
  LearningPolicy,
  type PendingQuestionView,
  RunMemoryPolicy,
  type RuntimeSettingsView,
  type RunView,
  type SessionView,
  type SessionViewSummary,
  ToolRuntimeLimits,
} from "@kheish/contract";

/** Answers as a daemon gives them, each with what a test cares about replaced. */
export const NOW = 1_700_000_000_000;

export function runView(members: Partial<RunView> = {}): RunView {
  return {
    run_id: "run-1",
    session_id: "s1",
    agent_id: "agent-1",
    kind: "input",
    status: "running",
    submitted_at_ms: NOW - 180_000,
    updated_at_ms: NOW - 60_000,
    started_at_ms: NOW - 170_000,
    request: {
      source_plugin: "daemon",
      source_kind: "api",
      actor_id: "operator",
      text_preview: "say hello",
      provider: "simulator",
      model: "script",
    },
    ...members,
  };
}

export function approval(members: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    id: "approval-bash-1-abcd1234",
    tool_call_id: "call-1",
    tool_name: "bash",
    input: { command: "make" },
    scope: "default",
    reason: "approval required",
    ...members,
  };
}

export function waitingRun(members: Partial<RunView> = {}): RunView {
  const pending = approval();
  return runView({
    status: "waiting_for_approval",
    pending_approval_ids: [pending.id],
    pending_approvals: [pending],
    ...members,
  });
}

export function pendingQuestion(members: Partial<PendingQuestionView> = {}): PendingQuestionView {
  return {
    session_id: "s1",
    agent_id: "agent-1",
    run_id: "run-1",
    requester_project_ids: [],
    requester_channel_ids: [],
    parent_project_ids: [],
    parent_channel_ids: [],
    request: {
      id: "question-request-call-1",
      tool_call_id: "call-1",
      created_at_ms: NOW - 5_000,
      questions: [
        {
          id: "colour",
          header: "Colour",
          question: "Which colour?",
          multi_select: false,
          options: [
            { id: "red", label: "Dark red" },
            { id: "blue", label: "Blue", description: "like the sky" },
          ],
        },
      ],
    },
    ...members,
  };
}

const sessionMembers = {
  session_id: "s1",
  agent_id: "agent-1",
  created_at_ms: NOW - 7_200_000,
  updated_at_ms: NOW - 60_000,
  queued_run_count: 0,
};

export function sessionSummary(members: Partial<SessionViewSummary> = {}): SessionViewSummary {
  return { ...sessionMembers, status: "idle", pending_approvals: 0, pending_questions: 0, ...members };
}

export function sessionView(members: Partial<SessionView> = {}): SessionView {
  return {
    ...sessionMembers,
    outputs: [],
    snapshot: {
      agent: {
        id: "agent-1",
        parent: null,
        conversation: { session_id: "s1" },
        status: "idle",
        retention: "retain",
        spawned_at_ms: NOW,
        subtasks: [],
      },
      pending_approvals: [],
      pending_questions: [],
      last_assistant_message: null,
      journal_len: 1,
      checkpoint_len: 0,
      last_error: null,
    },
    ...members,
  };
}

const simulatorRoute = {
  route_id: "simulator",
  provider: "simulator",
  model: "script",
  capabilities: {
    matrix_version: 2,
    multimodal_input: true,
    native_web_search: false,
    image_generation: false,
    image_edit: false,
    audio_generation: false,
    transcription: false,
  },
};

export function runtimeView(members: Partial<RuntimeSettingsView> = {}): RuntimeSettingsView {
  return {
    provider: "simulator",
    model: "script",
    route_id: "simulator",
    routes: [simulatorRoute, { ...simulatorRoute, route_id: "openrouter", provider: "openrouter" }],
    route_diagnostics: [],
    permission_mode: "default",
    system_prompt: {},
    hooks: { hooks: {} },
    debug_level: "off",
    learning_policy: LearningPolicy.parse({}),
    run_memory_policy: RunMemoryPolicy.parse({}),
    tool_runtime_limits: ToolRuntimeLimits.parse({}),
    config: { revision: 3, persisted: true, history_len: 1, history_limit: 64 },
    ...members,
  };
}

export function statusView(members: Partial<DaemonStatusView> = {}): DaemonStatusView {
  return {
    snapshot_at_ms: NOW,
    process_id: 42,
    status: "ready",
    ready: true,
    capabilities: {
      control_plane_version: "0.1.0",
      api_revision: 3,
      route_capability_matrix_version: 2,
      approvals: true,
      sidechains: false,
      mailboxes: false,
      session_events: true,
      restart_restore: true,
      live_events: true,
      session_run_idempotency: true,
      playbooks: false,
      flows: false,
      problem_details: true,
      openapi: true,
      cursor_pagination: true,
      paginated_lists: true,
      domain_errors: true,
      sse_replay: true,
      typed_sse_heartbeat: true,
      agent_supervisor_audit: false,
      spawn_policies: false,
    },
    runtime: runtimeView(),
    control_plane: {
      base_url: "http://127.0.0.1:4000",
      bind_is_loopback: true,
      auth_enabled: false,
      read_only_token_enabled: false,
      cors_policy: "loopback",
      cors_allowed_origin_count: 0,
      externally_exposed_without_auth: false,
    },
    storage: {
      checked_at_ms: NOW,
      ok: true,
      engine: "sqlite",
      schema_version: 1,
      write_error_count: 0,
      probes: [],
    },
    provider_readiness: {
      route_count: 1,
      ready_route_count: 1,
      active_route_ready: true,
      routes: [
        {
          route_id: "simulator",
          provider: "simulator",
          model: "script",
          active: true,
          state: "ok",
          code: "ready",
          message: "needs no credential",
        },
      ],
    },
    health: { generated_at_ms: NOW, ok: true, warnings: [] },
    hooks: {
      configured_count: 0,
      enabled: true,
      execution_count: 0,
      failure_count: 0,
      retry_count: 0,
      dead_letter_persist_failure_count: 0,
      dead_lettered_count: 0,
      unresolved_dead_lettered_count: 0,
    },
    run_memory: { policy: RunMemoryPolicy.parse({}) },
    events: {
      history_capacity: 2048,
      retained_event_count: 9,
      subscriber_count: 0,
      next_event_id: "10",
      tail_event_id_cursor: "9",
      replay_buffer_utilization_percent: 0,
      evicted_event_count: 0,
      replay_gap_count: 0,
      stream_lagged_event_count: 0,
      scope_eviction_floor_id: "0",
      evicted_session_scope_count: 0,
      evicted_run_scope_count: 0,
    },
    sessions: { total: 2 },
    runs: {
      total: 3,
      queued: 0,
      running: 1,
      waiting_for_approval: 1,
      waiting_for_user_question: 0,
      completed: 1,
      failed: 0,
      interrupted: 0,
      cancelled: 0,
      pending_approval_count: 1,
      pending_question_count: 0,
      max_session_queue_depth: 0,
      queued_run_lag_threshold_ms: 1,
      stale_non_terminal_run_threshold_ms: 1,
      stale_non_terminal_run_count: 0,
      stale_non_terminal_run_ids: [],
    },
    ...members,
  };
}
