import {
  API_REVISION,
  CONTROL_PLANE_VERSION,
  type DaemonCapabilities,
  ROUTE_CAPABILITY_MATRIX_VERSION,
} from "@kheish/contract";

/** The truth about this version: a flag is set when the feature is there (01-A3). */
export function capabilities(): DaemonCapabilities {
  return {
    control_plane_version: CONTROL_PLANE_VERSION,
    api_revision: API_REVISION,
    route_capability_matrix_version: ROUTE_CAPABILITY_MATRIX_VERSION,
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
  };
}
