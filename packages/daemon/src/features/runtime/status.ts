import {
  API_REVISION,
  type AuditStatus,
  type BudgetsStatus,
  CONTROL_PLANE_VERSION,
  type DaemonCapabilities,
  type DaemonStatusView,
  type EventsStatus,
  type HooksStatus,
  isTerminal,
  ROUTE_CAPABILITY_MATRIX_VERSION,
  RunStatus,
  type RunsStatus,
  type SandboxStatus,
  type StatusWarning,
  type TasksStatus,
} from "@kheish/contract";
import type { Kept, RouteResolver } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import type { RuntimeSettings } from "./config/settings.ts";
import type { StorageStatus } from "./storage-status.ts";
import { warningsOf } from "./warnings.ts";

export interface StatusSources {
  store: Store;
  clock: Clock;
  tail: JournalTail;
  routes: RouteResolver;
  settings: RuntimeSettings;
  audit: () => Promise<AuditStatus>;
  processId: number;
  isReady: () => boolean;
  budgets: () => Promise<BudgetsStatus | undefined>;
  tasks: () => Promise<TasksStatus>;
  sandbox?: SandboxStatus;
  subscriberCount: () => number;
  /** The position of the newest event that streams show; 0 for none. */
  newestEvent: () => Promise<number>;
  controlPlane: () => Promise<DaemonStatusView["control_plane"]>;
  hooks: (configured: number) => Promise<HooksStatus>;
  storage: StorageStatus;
  stateRootLock: { path: string; held: boolean; mechanism: string };
  authStore: () => AuthStoreStatus;
  queuedLagThresholdMs: number;
  staleThresholdMs: number;
  /** A restored copy that nobody has released yet. */
  isHoldingStill: () => boolean;
}

/** Where secrets are: nothing of them, and of their key only its id. */
export interface AuthStoreStatus {
  writable: boolean;
  key_id?: string;
  /** The key was changed, and the daemon has not been started with the new one yet. */
  awaits_new_key: boolean;
}

const STATUSES = RunStatus.options;
const NON_TERMINAL = STATUSES.filter((status) => !isTerminal(status));
/** 01-R77. */
const OVERSIZED_SESSION_BYTES = 100 * 1024 * 1024;
const STALE_IDS = 5;
const SCAN = 1_000;

/** The operator's snapshot: counts from indexes, never a walk over all runs. */
export class StatusService {
  readonly #sources: StatusSources;

  constructor(sources: StatusSources) {
    this.#sources = sources;
  }

  async status(): Promise<DaemonStatusView> {
    const { store, clock, settings, routes, isReady, processId, sandbox } = this.#sources;
    const startedAt = clock.now();
    const [runs, sessionCount, bytes, controlPlane, { probes, checkedAtMs }, runtime, budgets, tasks, audit] =
      await Promise.all([
        this.#runs(startedAt),
        store.count("session", { index: "id" }),
        store.sizeBytes(),
        this.#sources.controlPlane(),
        this.#sources.storage.now(),
        settings.settled(() => settings.view()),
        this.#sources.budgets(),
        this.#sources.tasks(),
        this.#sources.audit(),
      ]);
    const hooks = await this.#sources.hooks(Object.values(runtime.hooks.hooks).flat().length);
    const readiness = routes.readiness();
    const warnings = [
      ...auditWarnings(audit),
      ...warningsOf({
        runs,
        readiness,
        probes,
        hooks,
        controlPlane,
        authStore: this.#sources.authStore(),
        isHoldingStill: this.#sources.isHoldingStill(),
      }),
    ];
    const failedProbes = probes.filter(({ state }) => state !== "ok").length;
    return {
      snapshot_at_ms: startedAt,
      process_id: processId,
      status: isReady() ? "ready" : "draining",
      ready: isReady(),
      capabilities: capabilities(),
      runtime,
      control_plane: controlPlane,
      storage: {
        checked_at_ms: checkedAtMs,
        ok: failedProbes === 0,
        write_error_count: failedProbes,
        probes,
        engine: store.engine,
        schema_version: store.schemaVersion,
        state_root_lock: this.#sources.stateRootLock,
        auth_store: { ...this.#sources.authStore() },
        session_storage: {
          session_count: sessionCount,
          total_bytes: bytes,
          oversized_threshold_bytes: OVERSIZED_SESSION_BYTES,
        },
      },
      provider_readiness: {
        route_count: readiness.length,
        ready_route_count: readiness.filter((route) => route.state === "ok").length,
        warning_route_count: readiness.filter((route) => route.state === "warning").length,
        error_route_count: readiness.filter((route) => route.state === "error").length,
        active_route_ready: readiness.some((route) => route.active && route.state !== "error"),
        routes: readiness.map((route) => ({ ...route })),
      },
      health: {
        generated_at_ms: clock.now(),
        snapshot_duration_ms: clock.now() - startedAt,
        ok: warnings.every((warning) => warning.severity === "info"),
        route_error_count: readiness.filter((route) => route.state === "error").length,
        route_warning_count: readiness.filter((route) => route.state === "warning").length,
        warnings,
      },
      hooks,
      events: await this.#events(),
      audit,
      sessions: { total: sessionCount },
      runs,
      run_memory: { policy: runtime.run_memory_policy },
      ...(budgets === undefined ? {} : { budgets }),
      tasks,
      ...(sandbox === undefined ? {} : { sandbox }),
    };
  }

  async #runs(now: number): Promise<RunsStatus> {
    const { store, queuedLagThresholdMs, staleThresholdMs } = this.#sources;
    const counts = await Promise.all(
      STATUSES.map((status) => store.count("run", { index: "status", prefix: [status] })),
    );
    const count = (status: RunStatus) => counts[STATUSES.indexOf(status)] ?? 0;
    const oldestOf = async (status: RunStatus) => {
      const [oldest] = await store.list("run", { index: "status", prefix: [status], limit: 1 });
      return oldest as unknown as Kept<"run"> | undefined;
    };
    const queued = await oldestOf("queued");
    const live = (await Promise.all(NON_TERMINAL.map(oldestOf))).filter((run) => run !== undefined);
    const oldest = live.toSorted((a, b) => a.data.submitted_at_ms - b.data.submitted_at_ms)[0];
    const stale = await this.#stale(now);
    return {
      total: counts.reduce((sum, one) => sum + one, 0),
      queued: count("queued"),
      running: count("running"),
      waiting_for_approval: count("waiting_for_approval"),
      waiting_for_user_question: count("waiting_for_user_question"),
      completed: count("completed"),
      failed: count("failed"),
      interrupted: count("interrupted"),
      cancelled: count("cancelled"),
      pending_approval_count: await store.count("approval", { index: "pending" }),
      pending_question_count: await store.count("question", { index: "pending" }),
      max_session_queue_depth: await this.#deepestQueue(),
      ...(queued === undefined
        ? {}
        : { oldest_queued_run_id: queued.id, oldest_queued_run_age_ms: now - queued.data.submitted_at_ms }),
      ...(oldest === undefined
        ? {}
        : {
            oldest_non_terminal_run_id: oldest.id,
            oldest_non_terminal_run_age_ms: now - oldest.data.submitted_at_ms,
            oldest_non_terminal_run_idle_ms: now - oldest.data.updated_at_ms,
          }),
      queued_run_lag_threshold_ms: queuedLagThresholdMs,
      stale_non_terminal_run_threshold_ms: staleThresholdMs,
      stale_non_terminal_run_count: stale.length,
      stale_non_terminal_run_ids: stale.slice(0, STALE_IDS),
    };
  }

  /** Non-terminal runs that nothing has moved for long, oldest first; the `recent` index has them apart. */
  async #stale(now: number): Promise<string[]> {
    const { store, staleThresholdMs } = this.#sources;
    const oldest = await store.list("run", { index: "recent", prefix: [1], limit: SCAN });
    return (oldest as unknown as Kept<"run">[])
      .filter((run) => now - run.data.updated_at_ms > staleThresholdMs)
      .map((run) => run.id);
  }

  async #deepestQueue(): Promise<number> {
    const { store } = this.#sources;
    const queued = await store.list("run", { index: "status", prefix: ["queued"], limit: SCAN });
    const depths = new Map<string, number>();
    for (const { data } of queued as unknown as Kept<"run">[]) {
      depths.set(data.session_id, (depths.get(data.session_id) ?? 0) + 1);
    }
    return Math.max(0, ...depths.values());
  }

  async #events(): Promise<EventsStatus> {
    const { tail, subscriberCount, newestEvent } = this.#sources;
    const { count, capacity, oldest } = tail.retained;
    const next = tail.position + 1;
    const newest = await newestEvent();
    return {
      history_capacity: capacity,
      retained_event_count: count,
      subscriber_count: subscriberCount(),
      ...(oldest === undefined ? {} : { oldest_event_id: String(oldest) }),
      ...(newest === 0 ? {} : { newest_event_id: String(newest) }),
      next_event_id: String(next),
      tail_event_id_cursor: String(newest),
      replay_buffer_utilization_percent: Math.min(100, Math.round((100 * count) / capacity)),
      // Streams are read from the durable journal: nothing is ever evicted, no gap ever arises.
      evicted_event_count: 0,
      replay_gap_count: 0,
      stream_lagged_event_count: 0,
      scope_eviction_floor_id: "0",
      evicted_session_scope_count: 0,
      evicted_run_scope_count: 0,
    };
  }
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
