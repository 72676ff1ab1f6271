import type { AuditStatus, DaemonStatusView, HooksStatus, RunsStatus, StatusWarning } from "@kheish/contract";
import type { RouteReadiness } from "../../engine/index.ts";
import type { StorageProbe } from "../../kernel/storage-probe.ts";
import { controlPlaneWarnings } from "./control-plane-warnings.ts";

export interface WarningSources {
  audit: AuditStatus;
  runs: RunsStatus;
  readiness: readonly RouteReadiness[];
  probes: readonly StorageProbe[];
  stateRootLock: { path: string; held: boolean };
  hooks: HooksStatus;
  controlPlane: DaemonStatusView["control_plane"];
  authStore: { awaits_new_key: boolean };
  /** A restored copy that nobody has released yet. */
  isHoldingStill: boolean;
}

/** What an operator should know now; anything but an `info` makes the daemon unhealthy (02-R99). */
export function warningsOf(sources: WarningSources): StatusWarning[] {
  return [
    ...auditWarnings(sources.audit),
    ...runWarnings(sources.runs),
    ...routeWarnings(sources.readiness),
    ...storageWarnings(sources.probes),
    ...rootWarnings(sources.stateRootLock),
    ...controlPlaneWarnings(sources.controlPlane),
    ...hookWarnings(sources.hooks),
    ...authStoreWarnings(sources.authStore),
    ...(sources.isHoldingStill ? [HOLDING_STILL] : []),
  ];
}

/** While the ledger cannot vouch for them, external actions are refused: nothing is more urgent (02-R80). */
function auditWarnings({ failure, damaged_buckets: damaged }: AuditStatus): StatusWarning[] {
  const [first] = damaged;
  return [
    ...(failure === undefined
      ? []
      : [
          {
            severity: "error" as const,
            code: "external_action_audit_failed",
            message: `external actions are refused: ${failure.reason}`,
            action: "mend what the reason names; the ledger is asked again by itself",
          },
        ]),
    ...(first === undefined
      ? []
      : [
          {
            severity: "error" as const,
            code: "external_action_audit_damaged",
            message: `${damaged.length} buckets of the audit do not verify: ${first.reason}`,
            related_id: first.bucket,
            action:
              "export and verify the audit, and find out who wrote to the store; runs of these buckets are refused",
          },
        ]),
  ];
}

/** Only what nobody has looked after (03, Events). */
function hookWarnings(hooks: HooksStatus): StatusWarning[] {
  const { unresolved_dead_lettered_count: count, last_unresolved_dead_letter_hook: last } = hooks;
  const warnings: StatusWarning[] = [];
  if (!hooks.enabled) {
    warnings.push({
      severity: "error",
      code: "hooks_unreadable",
      message: "the stored hooks cannot be read by this version, so no hook is called",
      action: "set the hooks again, or start the version that wrote them",
    });
  }
  if (count > 0) {
    warnings.push({
      severity: "warning",
      code: "hook_dead_letters",
      message: `${count} hook calls failed for good and nobody has looked after them`,
      ...(last === undefined ? {} : { related_id: last }),
      action: "see 'kheish runtime hooks dead-letter', mend the hook, then resolve-dead-letter",
    });
  }
  return warnings;
}

function authStoreWarnings({ awaits_new_key }: WarningSources["authStore"]): StatusWarning[] {
  if (!awaits_new_key) return [];
  return [
    {
      severity: "info",
      code: "master_key_unconfirmed",
      message: "the master key was changed; until a start with the new one the old one still opens the slots",
      action: "put the new key in the old one's place and restart the daemon",
    },
  ];
}

const HOLDING_STILL: StatusWarning = {
  severity: "warning",
  code: "restored_copy_holding",
  message: "this store was restored from a backup: it drives no run and fires no timer",
  action: "when its original is gone for good, start the daemon once with --resume-restored",
};

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
      action:
        "name a slot with auth_ref or a variable with api_key_env instead, so that the file holds no secret",
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

/** Nothing is kept any more, and whoever looks for the root finds another or none. */
function rootWarnings({ path, held }: WarningSources["stateRootLock"]): StatusWarning[] {
  if (held) return [];
  return [
    {
      severity: "error",
      code: "state_root_lost",
      message: `${path} is not the lock that this daemon holds: the state root was moved, deleted or replaced`,
      related_id: "state_root",
      action: "put the state root back where it was, or stop the daemon and start it on what there is",
    },
  ];
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
