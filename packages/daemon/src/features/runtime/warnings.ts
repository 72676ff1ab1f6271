import type { DaemonStatusView, RunsStatus, StatusWarning } from "@kheish/contract";
import type { RouteReadiness } from "../../engine/index.ts";
import type { StorageProbe } from "../../kernel/storage-probe.ts";

export interface WarningSources {
  runs: RunsStatus;
  readiness: readonly RouteReadiness[];
  probes: readonly StorageProbe[];
  controlPlane: DaemonStatusView["control_plane"];
}

/** What an operator should know now; anything but an `info` makes the daemon unhealthy (02-R99). */
export function warningsOf(sources: WarningSources): StatusWarning[] {
  return [
    ...runWarnings(sources.runs),
    ...routeWarnings(sources.readiness),
    ...storageWarnings(sources.probes),
    ...accessWarnings(sources.controlPlane),
  ];
}

function runWarnings(runs: RunsStatus): StatusWarning[] {
  const warnings: StatusWarning[] = [];
  const age = runs.oldest_queued_run_age_ms ?? 0;
  if (runs.oldest_queued_run_id !== undefined && age > runs.queued_run_lag_threshold_ms) {
    warnings.push({
      severity: "warning",
      code: "queued_run_lag",
      message: `a run has been queued for ${Math.round(age / 1000)} s`,
      related_id: runs.oldest_queued_run_id,
      action: "look at the session's active run: it may wait for a human",
    });
  }
  if (runs.stale_non_terminal_run_count > 0) {
    warnings.push({
      severity: "warning",
      code: "stale_non_terminal_runs",
      message: `${runs.stale_non_terminal_run_count} runs have not moved for long`,
      ...(runs.stale_non_terminal_run_ids[0] === undefined
        ? {}
        : { related_id: runs.stale_non_terminal_run_ids[0] }),
      action: "answer what they wait for, or cancel them",
    });
  }
  return warnings;
}

function routeWarnings(readiness: readonly RouteReadiness[]): StatusWarning[] {
  const warnings: StatusWarning[] = readiness
    .filter(({ code }) => code === "route_inline_key")
    .map(({ route_id }) => ({
      severity: "info",
      code: "route_inline_key",
      message: `the routes file holds the key of route '${route_id}' itself`,
      related_id: route_id,
      action: "name a variable with api_key_env instead, so that the file holds no secret",
    }));
  const active = readiness.find((route) => route.active);
  if (active === undefined || active.state === "error") {
    warnings.push({
      severity: "error",
      code: "provider_active_route_not_ready",
      message: active?.message ?? "there is no default route: none is configured, or the chosen one is gone",
      ...(active === undefined ? {} : { related_id: active.route_id }),
      ...(active?.action === undefined ? {} : { action: active.action }),
    });
  }
  return warnings;
}

/** 02-R98. */
function storageWarnings(probes: readonly StorageProbe[]): StatusWarning[] {
  return probes
    .filter(({ state }) => state !== "ok")
    .map(({ name, path, code, message, action }) => ({
      severity: "error",
      code,
      message: `${name} ${path} ${message}`,
      related_id: name,
      ...(action === undefined ? {} : { action }),
    }));
}

/** Tokens are read at each request (02-R87), so a file can go wrong while the daemon runs. */
function accessWarnings(plane: DaemonStatusView["control_plane"]): StatusWarning[] {
  if (!plane.auth_enabled) return [];
  const warnings: StatusWarning[] = [];
  if (plane.auth_duplicate_token === true) {
    warnings.push({
      severity: "error",
      code: "control_plane_duplicate_tokens",
      message: "the admin and the read-only token are the same, so nobody is let in",
      action: "give each role a token of its own",
    });
  } else if (plane.auth_effective_admin_token_available === false) {
    warnings.push({
      severity: "error",
      code: "control_plane_no_admin_token",
      message: "no admin token is in force, so nobody can change anything",
      action: "put a token into the file of --http-admin-token-file",
    });
  }
  for (const { role, path, error } of plane.auth_token_files ?? []) {
    if (error === undefined) continue;
    warnings.push({
      severity: "warning",
      code: "control_plane_token_file_unusable",
      message: `the ${role} token file ${path} holds no token: ${error}`,
      action: "write the token into it; it is read at the next request",
    });
  }
  return warnings;
}
