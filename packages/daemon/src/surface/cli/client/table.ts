import type { EndpointId } from "@kheish/contract";
import type { EndpointRow } from "./endpoint-types.ts";

/** Written by `npm run format` from the contract's endpoint table; the compiler refuses one that is not it. */
export const table = {
  healthz: { method: "GET", path: "/healthz", kind: "text" },
  readyz: { method: "GET", path: "/readyz", kind: "text" },
  metrics: { method: "GET", path: "/metrics", kind: "text" },
  backup: { method: "GET", path: "/v1/runtime/backup", kind: "binary" },
  status: {
    method: "GET",
    path: "/v1/status",
    members:
      "snapshot_at_ms process_id status ready capabilities runtime control_plane storage provider_readiness health hooks events sessions runs run_memory",
  },
  whoami: { method: "GET", path: "/v1/whoami", members: "principal auth verbs resources" },
  capabilities: {
    method: "GET",
    path: "/v1/capabilities",
    members:
      "control_plane_version api_revision route_capability_matrix_version approvals sidechains mailboxes session_events restart_restore live_events session_run_idempotency playbooks flows problem_details openapi cursor_pagination paginated_lists domain_errors sse_replay typed_sse_heartbeat agent_supervisor_audit spawn_policies",
  },
  openapi: { method: "GET", path: "/v1/openapi.json" },
  getRuntime: {
    method: "GET",
    path: "/v1/runtime",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  setModel: {
    method: "POST",
    path: "/v1/runtime/model",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putModel: {
    method: "PUT",
    path: "/v1/runtime/model",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  setPermissionMode: {
    method: "POST",
    path: "/v1/runtime/permission-mode",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putPermissionMode: {
    method: "PUT",
    path: "/v1/runtime/permission-mode",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  setSystemPrompt: {
    method: "POST",
    path: "/v1/runtime/system-prompt",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putSystemPrompt: {
    method: "PUT",
    path: "/v1/runtime/system-prompt",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  patchSystemPrompt: {
    method: "PATCH",
    path: "/v1/runtime/system-prompt",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  setDebugLevel: {
    method: "POST",
    path: "/v1/runtime/debug-level",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putDebugLevel: {
    method: "PUT",
    path: "/v1/runtime/debug-level",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  getHooks: { method: "GET", path: "/v1/runtime/hooks", members: "" },
  setHooks: {
    method: "POST",
    path: "/v1/runtime/hooks",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putHooks: {
    method: "PUT",
    path: "/v1/runtime/hooks",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  patchHooks: {
    method: "PATCH",
    path: "/v1/runtime/hooks",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  listHookDeadLetters: { method: "GET", path: "/v1/runtime/hooks/dead-letter" },
  resolveHookDeadLetter: {
    method: "POST",
    path: "/v1/runtime/hooks/dead-letter/{dead_letter_id}/resolve",
    members:
      "id at_ms hook_name event target attempt_count failure_mode contract_version invocation_digest definition_digest error",
  },
  getLearningPolicy: { method: "GET", path: "/v1/runtime/learning-policy", members: "" },
  setLearningPolicy: {
    method: "POST",
    path: "/v1/runtime/learning-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putLearningPolicy: {
    method: "PUT",
    path: "/v1/runtime/learning-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  patchLearningPolicy: {
    method: "PATCH",
    path: "/v1/runtime/learning-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  getRunMemoryPolicy: { method: "GET", path: "/v1/runtime/run-memory-policy", members: "" },
  setRunMemoryPolicy: {
    method: "POST",
    path: "/v1/runtime/run-memory-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putRunMemoryPolicy: {
    method: "PUT",
    path: "/v1/runtime/run-memory-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  patchRunMemoryPolicy: {
    method: "PATCH",
    path: "/v1/runtime/run-memory-policy",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  getToolLimits: { method: "GET", path: "/v1/runtime/tool-limits", members: "" },
  setToolLimits: {
    method: "POST",
    path: "/v1/runtime/tool-limits",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  putToolLimits: {
    method: "PUT",
    path: "/v1/runtime/tool-limits",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  patchToolLimits: {
    method: "PATCH",
    path: "/v1/runtime/tool-limits",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  listRuntimeRevisions: { method: "GET", path: "/v1/runtime/revisions", members: "revisions" },
  diffRuntimeRevision: {
    method: "GET",
    path: "/v1/runtime/revisions/{revision}/diff",
    members: "revision against changes",
  },
  rollbackRuntime: {
    method: "POST",
    path: "/v1/runtime/rollback",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  checkPermission: {
    method: "POST",
    path: "/v1/runtime/permissions/check",
    members:
      "tool_call_id tool_name effective_mode decision approval_required hooks_evaluated hook_policy scope audit_preview",
  },
  permissionMatrix: { method: "POST", path: "/v1/runtime/permissions/matrix", members: "modes" },
  logs: { method: "GET", path: "/v1/logs" },
  logStream: { method: "GET", path: "/v1/logs/stream", kind: "sse" },
  listRoutes: { method: "GET", path: "/v1/runtime/routes", members: "revision inventory routes diagnostics" },
  addRoute: {
    method: "POST",
    path: "/v1/runtime/routes",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  removeRoute: {
    method: "DELETE",
    path: "/v1/runtime/routes/{route_id}",
    members:
      "provider model route_diagnostics permission_mode system_prompt hooks debug_level learning_policy run_memory_policy tool_runtime_limits config",
  },
  reloadRoutes: {
    method: "POST",
    path: "/v1/runtime/routes/reload",
    members: "applied added removed changed default_route stranded_run_ids inventory",
  },
  listPermissionRules: { method: "GET", path: "/v1/runtime/permissions/rules", members: "rules" },
  createPermissionRule: {
    method: "POST",
    path: "/v1/runtime/permissions/rules",
    members:
      "rule_id scope tool_name_pattern behavior origin created_by created_at_ms updated_by updated_at_ms revision",
  },
  setPermissionRule: {
    method: "PUT",
    path: "/v1/runtime/permissions/rules/{rule_id}",
    members:
      "rule_id scope tool_name_pattern behavior origin created_by created_at_ms updated_by updated_at_ms revision",
  },
  deletePermissionRule: {
    method: "DELETE",
    path: "/v1/runtime/permissions/rules/{rule_id}",
    members: "accepted",
  },
  listSessionRules: { method: "GET", path: "/v1/sessions/{session_id}/permissions/rules", members: "rules" },
  createSessionRule: {
    method: "POST",
    path: "/v1/sessions/{session_id}/permissions/rules",
    members:
      "rule_id scope tool_name_pattern behavior origin created_by created_at_ms updated_by updated_at_ms revision",
  },
  setSessionRule: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/permissions/rules/{rule_id}",
    members:
      "rule_id scope tool_name_pattern behavior origin created_by created_at_ms updated_by updated_at_ms revision",
  },
  deleteSessionRule: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/permissions/rules/{rule_id}",
    members: "accepted",
  },
  listTokens: { method: "GET", path: "/v1/runtime/tokens" },
  createToken: {
    method: "POST",
    path: "/v1/runtime/tokens",
    members: "token_id name verbs resources created_at_ms created_by secret",
  },
  revokeToken: { method: "DELETE", path: "/v1/runtime/tokens/{token_id}", members: "accepted revoked" },
  createBrowserSession: {
    method: "POST",
    path: "/v1/browser-session",
    members: "principal key expires_at_ms",
  },
  endBrowserSession: { method: "DELETE", path: "/v1/browser-session", members: "accepted" },
  getMcp: { method: "GET", path: "/v1/runtime/mcp", members: "selected_profiles servers tool_names" },
  addMcpServer: {
    method: "POST",
    path: "/v1/runtime/mcp/servers",
    members: "selected_profiles servers tool_names",
  },
  removeMcpServer: {
    method: "DELETE",
    path: "/v1/runtime/mcp/servers/{name}",
    members: "name retired_tools",
  },
  reloadMcp: { method: "POST", path: "/v1/runtime/mcp/reload", members: "added removed changed mcp" },
  callMcpTool: {
    method: "POST",
    path: "/v1/runtime/mcp/tools/{tool_name}/call",
    members: "tool_name output",
  },
  listSkills: { method: "GET", path: "/v1/skills" },
  getSkill: {
    method: "GET",
    path: "/v1/skills/{skill_name}",
    members: "name description skill_path skill_root scope digest runtime instructions files",
  },
  getSkillLibrary: { method: "GET", path: "/v1/runtime/skills", members: "roots count warnings" },
  addSkill: {
    method: "POST",
    path: "/v1/runtime/skills",
    members: "name description skill_path skill_root scope digest runtime instructions files",
  },
  setSkill: {
    method: "PUT",
    path: "/v1/runtime/skills/{skill_name}",
    members: "name description skill_path skill_root scope digest runtime instructions files",
  },
  removeSkill: { method: "DELETE", path: "/v1/runtime/skills/{skill_name}", members: "name digest" },
  reloadSkills: {
    method: "POST",
    path: "/v1/runtime/skills/reload",
    members: "added removed changed skills",
  },
  listSessionSkills: { method: "GET", path: "/v1/sessions/{session_id}/skills" },
  activateSkill: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/skills/{skill_name}",
    members:
      "name description skill_path skill_root digest context allowed_tools blocked_tools activated_by activated_at_ms",
  },
  deactivateSkill: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/skills/{skill_name}",
    members:
      "name description skill_path skill_root digest context allowed_tools blocked_tools activated_by activated_at_ms",
  },
  listSecrets: { method: "GET", path: "/v1/runtime/secrets" },
  putSecret: {
    method: "POST",
    path: "/v1/runtime/secrets",
    members: "slot_id provider mode summary updated_at_ms",
  },
  rekeySecrets: { method: "POST", path: "/v1/runtime/secrets/rekey", members: "key_id reencrypted" },
  getSecret: {
    method: "GET",
    path: "/v1/runtime/secrets/{ref}",
    members: "slot_id provider mode summary updated_at_ms",
  },
  deleteSecret: { method: "DELETE", path: "/v1/runtime/secrets/{ref}", members: "accepted" },
  revokeSlotLeases: {
    method: "POST",
    path: "/v1/runtime/auth/slots/{slot}/revoke",
    members: "slot_id revoked_leases",
  },
  disableSlot: {
    method: "POST",
    path: "/v1/runtime/auth/slots/{slot}/disable",
    members: "slot_id provider mode summary updated_at_ms",
  },
  enableSlot: {
    method: "POST",
    path: "/v1/runtime/auth/slots/{slot}/enable",
    members: "slot_id provider mode summary updated_at_ms",
  },
  getSubject: {
    method: "GET",
    path: "/v1/runtime/auth/subjects/{subject_id}",
    members: "subject_id current_epoch revoked",
  },
  revokeSubject: {
    method: "POST",
    path: "/v1/runtime/auth/subjects/{subject_id}/revoke",
    members: "subject_id current_epoch revoked",
  },
  reinstateSubject: {
    method: "POST",
    path: "/v1/runtime/auth/subjects/{subject_id}/reinstate",
    members: "subject_id current_epoch revoked",
  },
  getLease: { method: "GET", path: "/v1/runtime/auth/leases/{lease_id}", members: "lease revoked active" },
  revokeLease: {
    method: "POST",
    path: "/v1/runtime/auth/leases/{lease_id}/revoke",
    members: "lease revoked active",
  },
  listAccounts: { method: "GET", path: "/v1/runtime/auth/accounts" },
  getAccount: {
    method: "GET",
    path: "/v1/runtime/auth/accounts/{slot}",
    members: "slot_id provider mode summary updated_at_ms",
  },
  importMcpAccount: {
    method: "POST",
    path: "/v1/runtime/auth/accounts/mcp-oauth",
    members: "slot_id provider mode summary updated_at_ms",
  },
  importAccount: {
    method: "POST",
    path: "/v1/runtime/auth/accounts",
    members: "slot_id provider mode summary updated_at_ms",
  },
  refreshAccount: {
    method: "POST",
    path: "/v1/runtime/auth/accounts/{slot}/refresh",
    members: "slot_id provider mode summary updated_at_ms",
  },
  revokeAccount: {
    method: "POST",
    path: "/v1/runtime/auth/accounts/{slot}/revoke",
    members: "slot_id provider mode summary updated_at_ms accepted provider_revocation",
  },
  deleteAccount: {
    method: "DELETE",
    path: "/v1/runtime/auth/accounts/{slot}",
    members: "slot_id provider mode summary updated_at_ms accepted provider_revocation",
  },
  listBudgets: { method: "GET", path: "/v1/runtime/budgets", members: "budgets" },
  createBudget: {
    method: "POST",
    path: "/v1/runtime/budgets",
    members:
      "budget_id scope window limits on_limit revision created_at_ms updated_at_ms updated_by waiting_run_count",
  },
  getBudget: {
    method: "GET",
    path: "/v1/runtime/budgets/{budget_id}",
    members:
      "budget_id scope window limits on_limit revision created_at_ms updated_at_ms updated_by waiting_run_count",
  },
  setBudget: {
    method: "PUT",
    path: "/v1/runtime/budgets/{budget_id}",
    members:
      "budget_id scope window limits on_limit revision created_at_ms updated_at_ms updated_by waiting_run_count",
  },
  deleteBudget: { method: "DELETE", path: "/v1/runtime/budgets/{budget_id}", members: "accepted" },
  createSession: {
    method: "POST",
    path: "/v1/sessions",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  listSessions: { method: "GET", path: "/v1/sessions" },
  getSession: {
    method: "GET",
    path: "/v1/sessions/{session_id}",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  sessionEvents: {
    method: "GET",
    path: "/v1/sessions/{session_id}/events",
    members: "session daemon_outputs run_events",
  },
  sessionInput: {
    method: "POST",
    path: "/v1/sessions/{session_id}/input",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  interruptSession: {
    method: "POST",
    path: "/v1/sessions/{session_id}/interrupt",
    members: "interrupted snapshot",
  },
  endSession: {
    method: "POST",
    path: "/v1/sessions/{session_id}/end",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  sessionPermissionAudits: { method: "GET", path: "/v1/sessions/{session_id}/permission-audits" },
  postPersona: {
    method: "POST",
    path: "/v1/sessions/{session_id}/persona",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putPersona: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/persona",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deletePersona: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/persona",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  postCapabilityScope: {
    method: "POST",
    path: "/v1/sessions/{session_id}/capability-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putCapabilityScope: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/capability-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteCapabilityScope: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/capability-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  postCredentialScope: {
    method: "POST",
    path: "/v1/sessions/{session_id}/credential-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putCredentialScope: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/credential-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteCredentialScope: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/credential-scope",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  postRoutePolicy: {
    method: "POST",
    path: "/v1/sessions/{session_id}/route-policy",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putRoutePolicy: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/route-policy",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteRoutePolicy: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/route-policy",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  getReplyTargets: {
    method: "GET",
    path: "/v1/sessions/{session_id}/reply-targets",
    members: "reply_targets",
  },
  postReplyTargets: {
    method: "POST",
    path: "/v1/sessions/{session_id}/reply-targets",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putReplyTargets: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/reply-targets",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteReplyTargets: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/reply-targets",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  getOperator: { method: "GET", path: "/v1/sessions/{session_id}/operator", members: "operator" },
  postOperator: {
    method: "POST",
    path: "/v1/sessions/{session_id}/operator",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putOperator: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/operator",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteOperator: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/operator",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  getToolOverrides: { method: "GET", path: "/v1/sessions/{session_id}/tool-overrides", members: "" },
  postToolOverrides: {
    method: "POST",
    path: "/v1/sessions/{session_id}/tool-overrides",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putToolOverrides: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/tool-overrides",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteToolOverrides: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/tool-overrides",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  getInputContract: { method: "GET", path: "/v1/sessions/{session_id}/input-contract" },
  postInputContract: {
    method: "POST",
    path: "/v1/sessions/{session_id}/input-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putInputContract: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/input-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteInputContract: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/input-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  getOutputContract: { method: "GET", path: "/v1/sessions/{session_id}/output-contract" },
  postOutputContract: {
    method: "POST",
    path: "/v1/sessions/{session_id}/output-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  putOutputContract: {
    method: "PUT",
    path: "/v1/sessions/{session_id}/output-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  deleteOutputContract: {
    method: "DELETE",
    path: "/v1/sessions/{session_id}/output-contract",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  sessionStream: { method: "GET", path: "/v1/sessions/{session_id}/stream", kind: "sse" },
  runStream: { method: "GET", path: "/v1/runs/{run_id}/stream", kind: "sse" },
  eventsStream: { method: "GET", path: "/v1/events/stream", kind: "sse" },
  submitRun: {
    method: "POST",
    path: "/v1/sessions/{session_id}/runs",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  listRuns: { method: "GET", path: "/v1/runs" },
  getRun: {
    method: "GET",
    path: "/v1/runs/{run_id}",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  runEvents: { method: "GET", path: "/v1/runs/{run_id}/events" },
  runPrompt: {
    method: "GET",
    path: "/v1/runs/{run_id}/prompts/{turn}",
    members: "run_id turn route_id model answered system messages tools as_of_now",
  },
  cancelRun: {
    method: "POST",
    path: "/v1/runs/{run_id}/cancel",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  runDebug: { method: "GET", path: "/v1/runs/{run_id}/debug", members: "run_id level artifacts" },
  runDebugArtifact: { method: "GET", path: "/v1/runs/{run_id}/debug/artifacts/{artifact_id}", kind: "text" },
  pruneRuns: {
    method: "POST",
    path: "/v1/runs/prune",
    members:
      "dry_run now_ms cutoff_ms limit matched_run_count candidate_run_ids candidate_debug_bytes pruned_debug_run_ids pruned_debug_bytes",
  },
  getGoal: { method: "GET", path: "/v1/sessions/{session_id}/goal", members: "" },
  createGoal: { method: "POST", path: "/v1/sessions/{session_id}/goal", members: "" },
  replaceGoal: { method: "PUT", path: "/v1/sessions/{session_id}/goal", members: "" },
  patchGoal: { method: "PATCH", path: "/v1/sessions/{session_id}/goal", members: "" },
  clearGoal: { method: "DELETE", path: "/v1/sessions/{session_id}/goal", members: "" },
  resolveRunApprovals: {
    method: "POST",
    path: "/v1/runs/{run_id}/approvals",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  resolveSessionApprovals: {
    method: "POST",
    path: "/v1/sessions/{session_id}/approvals",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  resolveSessionApprovalRuns: {
    method: "POST",
    path: "/v1/sessions/{session_id}/approval-runs",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  listQuestions: { method: "GET", path: "/v1/questions" },
  listSessionQuestions: { method: "GET", path: "/v1/sessions/{session_id}/questions" },
  answerRunQuestion: {
    method: "POST",
    path: "/v1/runs/{run_id}/questions",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  answerSessionQuestion: {
    method: "POST",
    path: "/v1/sessions/{session_id}/questions",
    members: "session_id agent_id created_at_ms updated_at_ms queued_run_count snapshot outputs",
  },
  cancelRunQuestion: {
    method: "POST",
    path: "/v1/runs/{run_id}/questions/{request_id}/cancel",
    members: "run_id session_id agent_id kind status submitted_at_ms updated_at_ms request",
  },
  listTasks: { method: "GET", path: "/v1/sessions/{session_id}/tasks" },
  getTask: {
    method: "GET",
    path: "/v1/sessions/{session_id}/tasks/{task_id}",
    members: "id title description status blocked_by blocks metadata created_at_ms updated_at_ms revision",
  },
  taskOutput: {
    method: "GET",
    path: "/v1/sessions/{session_id}/tasks/{task_id}/output",
    members: "retrieval_status task output_truncated output_rotated",
  },
  stopTask: {
    method: "POST",
    path: "/v1/sessions/{session_id}/tasks/{task_id}/stop",
    members: "id title description status blocked_by blocks metadata created_at_ms updated_at_ms revision",
  },
  externalActions: { method: "GET", path: "/v1/runs/{run_id}/external-actions" },
  exportAudit: { method: "GET", path: "/v1/audit/export", members: "lines next_cursor" },
  auditKeys: { method: "GET", path: "/v1/audit/keys", members: "current_key_id keys" },
  docsManifest: { method: "GET", path: "/v1/docs", members: "name description groups" },
  docsPage: { method: "GET", path: "/v1/docs/{*path}", members: "path title content" },
} as const satisfies { readonly [E in EndpointId]: EndpointRow<E> };
