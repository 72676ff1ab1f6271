import type {
  AuditStatus,
  BudgetsStatus,
  DaemonStatusView,
  HooksStatus,
  SandboxStatus,
  TasksStatus,
} from "@kheish/contract";
import type { RouteReadiness, RouteResolver } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { capabilities } from "./capabilities.ts";
import type { RuntimeSettings } from "./config/settings.ts";
import { type EventsStatusSources, eventsStatus } from "./events-status.ts";
import { type RunsStatusSources, runsStatus } from "./runs-status.ts";
import type { StorageStatus } from "./storage-status.ts";
import { warningsOf } from "./warnings.ts";

export interface StatusSources extends RunsStatusSources, EventsStatusSources {
  clock: Clock;
  routes: RouteResolver;
  settings: RuntimeSettings;
  audit: () => Promise<AuditStatus>;
  processId: number;
  isReady: () => boolean;
  budgets: () => Promise<BudgetsStatus | undefined>;
  tasks: () => Promise<TasksStatus>;
  sandbox?: SandboxStatus;
  controlPlane: () => Promise<DaemonStatusView["control_plane"]>;
  hooks: (configured: number) => Promise<HooksStatus>;
  storage: StorageStatus;
  stateRootLock: { path: string; held: boolean; mechanism: string };
  authStore: () => AuthStoreStatus;
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

/** 01-R77. */
const OVERSIZED_SESSION_BYTES = 100 * 1024 * 1024;

/** The operator's snapshot: what each part says of itself, and what of that an operator should know now. */
export class StatusService {
  readonly #sources: StatusSources;

  constructor(sources: StatusSources) {
    this.#sources = sources;
  }

  async status(): Promise<DaemonStatusView> {
    const { clock, routes, isReady, processId, sandbox } = this.#sources;
    const startedAt = clock.now();
    const parts = await this.#parts(startedAt);
    const { runs, storage, controlPlane, runtime, budgets, tasks, audit } = parts;
    const hooks = await this.#sources.hooks(Object.values(runtime.hooks.hooks).flat().length);
    const readiness = routes.readiness();
    const warnings = warningsOf({
      audit,
      runs,
      readiness,
      probes: storage.probes,
      stateRootLock: this.#sources.stateRootLock,
      hooks,
      controlPlane,
      authStore: storage.auth_store,
      isHoldingStill: this.#sources.isHoldingStill(),
    });
    return {
      snapshot_at_ms: startedAt,
      process_id: processId,
      status: isReady() ? "ready" : "draining",
      ready: isReady() && this.#sources.stateRootLock.held,
      capabilities: capabilities(),
      runtime,
      control_plane: controlPlane,
      storage,
      provider_readiness: providerReadiness(readiness),
      health: {
        generated_at_ms: clock.now(),
        snapshot_duration_ms: clock.now() - startedAt,
        ok: warnings.every((warning) => warning.severity === "info"),
        route_error_count: countOf(readiness, "error"),
        route_warning_count: countOf(readiness, "warning"),
        warnings,
      },
      hooks,
      events: await eventsStatus(this.#sources),
      audit,
      sessions: { total: storage.session_storage.session_count },
      runs,
      run_memory: { policy: runtime.run_memory_policy },
      ...(budgets === undefined ? {} : { budgets }),
      tasks,
      ...(sandbox === undefined ? {} : { sandbox }),
    };
  }

  /** What has to be asked for, all of it at once. */
  async #parts(now: number) {
    const { settings } = this.#sources;
    const [runs, storage, controlPlane, runtime, budgets, tasks, audit] = await Promise.all([
      runsStatus(this.#sources, now),
      this.#storage(),
      this.#sources.controlPlane(),
      settings.settled(() => settings.view()),
      this.#sources.budgets(),
      this.#sources.tasks(),
      this.#sources.audit(),
    ]);
    return { runs, storage, controlPlane, runtime, budgets, tasks, audit };
  }

  async #storage() {
    const { store, stateRootLock, authStore } = this.#sources;
    const [sessionCount, bytes, { probes, checkedAtMs }] = await Promise.all([
      store.count("session", { index: "id" }),
      store.sizeBytes(),
      this.#sources.storage.now(),
    ]);
    const failedProbes = probes.filter(({ state }) => state !== "ok").length;
    return {
      checked_at_ms: checkedAtMs,
      ok: failedProbes === 0,
      write_error_count: failedProbes,
      probes,
      engine: store.engine,
      schema_version: store.schemaVersion,
      state_root_lock: stateRootLock,
      auth_store: { ...authStore() },
      session_storage: {
        session_count: sessionCount,
        total_bytes: bytes,
        oversized_threshold_bytes: OVERSIZED_SESSION_BYTES,
      },
    };
  }
}

function providerReadiness(readiness: readonly RouteReadiness[]): DaemonStatusView["provider_readiness"] {
  return {
    route_count: readiness.length,
    ready_route_count: countOf(readiness, "ok"),
    warning_route_count: countOf(readiness, "warning"),
    error_route_count: countOf(readiness, "error"),
    active_route_ready: readiness.some((route) => route.active && route.state !== "error"),
    routes: readiness.map((route) => ({ ...route })),
  };
}

function countOf(readiness: readonly RouteReadiness[], state: RouteReadiness["state"]): number {
  return readiness.filter((route) => route.state === state).length;
}
