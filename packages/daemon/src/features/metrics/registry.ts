import { DebugLevel, type RunStatus, RunStatus as RunStatuses } from "@kheish/contract";
import type { Counter, Gauge, Registry } from "prom-client";
import type { RouteReadiness } from "../../engine/index.ts";
import type { Meter } from "./meter.ts";
import type { Readings } from "./readings.ts";

/** The registry of one daemon, the meter that fills it, and how a scrape's readings get into it. */
export interface Metrics {
  registry: Registry;
  meter: Meter;
  show(readings: Readings): void;
}

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const SLOW = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const GROUPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const ROUTE_STATES: readonly RouteReadiness["state"][] = ["ok", "warning", "error"];

/** Loads the library, so call it only when somebody wants to read. The names are those of docs/operations/metrics.md. */
export async function createMetrics(build: Record<string, string>): Promise<Metrics> {
  const { default: prometheus } = await import("prom-client");
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new prometheus.Counter<L>({ name: `kheish_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new prometheus.Gauge<L>({ name: `kheish_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new prometheus.Histogram<L>({ name: `kheish_${name}`, help, buckets, labelNames, registers });

  gauge("build_info", "Version, store engine and schema; always 1", Object.keys(build)).set(build, 1);
  const meter = createMeter({ counter, histogram });
  return { registry, meter, show: readingsInto(gauge, counter) };
}

type Make<Kind> = <L extends string>(name: string, help: string, labelNames?: readonly L[]) => Kind;

interface Factories {
  counter: Make<{ inc(labels: Record<string, string | number>, by?: number): void }>;
  histogram: <L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames?: readonly L[],
  ) => { observe(labels: Partial<Record<string, string | number>>, value: number): void };
}

function createMeter({ counter, histogram }: Factories): Meter {
  const commits = counter("commits_total", "Commits to the store", ["outcome"]);
  const commitSeconds = histogram("commit_duration_seconds", "From commit to answer, on disk", FAST);
  const steps = counter("steps_total", "Durable steps of runs");
  const flushSeconds = histogram("flush_duration_seconds", "One transaction of the store", FAST);
  const flushCommits = histogram("flush_commits", "Commits that shared a transaction", GROUPS);
  const syncSeconds = histogram(
    "fsync_duration_seconds",
    "Committing a transaction to the disk (SQLite)",
    FAST,
  );
  const modelCalls = counter("model_calls_total", "Model calls", ["route", "provider", "outcome"]);
  const modelSeconds = histogram("model_call_duration_seconds", "Model calls, with their retries", SLOW, [
    "route",
  ]);
  const tokens = counter("model_tokens_total", "Tokens as the provider reported them", [
    "route",
    "direction",
  ]);
  const toolCalls = counter("tool_calls_total", "Tool calls that were performed", ["effect", "outcome"]);
  const toolSeconds = histogram("tool_call_duration_seconds", "Tool calls", SLOW, ["effect"]);
  const requests = counter("http_requests_total", "HTTP requests", ["method", "route", "status"]);
  const requestSeconds = histogram("http_request_duration_seconds", "HTTP requests", FAST, ["route"]);
  return {
    commit(seconds, outcome, isStep) {
      commits.inc({ outcome });
      commitSeconds.observe({}, seconds);
      if (isStep) steps.inc({});
    },
    flush(seconds, size) {
      flushSeconds.observe({}, seconds);
      flushCommits.observe({}, size);
    },
    sync: (seconds) => syncSeconds.observe({}, seconds),
    modelCall({ route, provider, outcome, seconds, inputTokens, outputTokens }) {
      modelCalls.inc({ route, provider, outcome });
      modelSeconds.observe({ route }, seconds);
      tokens.inc({ route, direction: "input" }, inputTokens);
      tokens.inc({ route, direction: "output" }, outputTokens);
    },
    toolCall({ effect, outcome, seconds }) {
      toolCalls.inc({ effect, outcome });
      toolSeconds.observe({ effect }, seconds);
    },
    request({ method, route, status, seconds }) {
      requests.inc({ method: METHODS.has(method) ? method : "other", route, status });
      requestSeconds.observe({ route }, seconds);
    },
  };
}

function readingsInto(
  gauge: <L extends string>(name: string, help: string, labelNames?: readonly L[]) => Gauge<L>,
  counter: (name: string, help: string) => Counter,
): (readings: Readings) => void {
  const flag = (name: string, help: string) => gauge(name, `${help}: 1 or 0`);
  const ready = flag("ready", "Takes work");
  const healthOk = flag("health_ok", "status.health.ok");
  const storageOk = flag("storage_ok", "status.storage.ok");
  const holding = flag("restored_copy_holding", "Restored from a backup and not released");
  const warnings = gauge("health_warnings", "Warnings of status.health", ["severity"]);
  const routes = gauge("route_state", "Readiness of a route: 1 for the state it is in", [
    "route",
    "active",
    "state",
  ]);
  const debugLevel = gauge("debug_level", "1 for the debug level in force", ["level"]);
  const runs = gauge("runs", "Runs by status", ["status"]);
  const sessions = gauge("sessions", "Sessions");
  const pending = gauge("requests_pending", "Approvals and questions that wait for a human", ["kind"]);
  const oldest = gauge("requests_oldest_age_seconds", "How long the oldest of them has waited", ["kind"]);
  const deepest = gauge("session_queue_depth_max", "Runs that wait in the longest queue of a session");
  const queuedAge = gauge("queued_run_oldest_age_seconds", "How long the oldest queued run has waited");
  const idleAge = gauge("run_oldest_idle_seconds", "How long the oldest run that is not over has not moved");
  const stale = gauge("stale_runs", "Runs that are not over and have not moved for long");
  const lag = gauge("work_lag_seconds", "How late the next item of a queue is", ["queue"]);
  const dead = gauge("dead_letters", "Items given up on; counted up to a thousand", ["queue"]);
  const hookExecutions = counter("hook_executions_total", "Attempts to call a hook");
  const hookFailures = counter("hook_failures_total", "Attempts to call a hook that failed");
  const hookRetries = counter("hook_retries_total", "Attempts to call a hook after a failed one");
  const hookLost = counter(
    "hook_dead_letter_persist_failures_total",
    "Dead letters of hooks that could not be kept",
  );
  const hookDead = gauge("hook_dead_letters_unresolved", "Dead letters of hooks that nobody looked after");
  const subscribers = gauge("event_stream_subscribers", "Open event streams");
  const storeBytes = gauge("store_size_bytes", "Size of the store");
  const diskRatio = gauge("state_root_disk_used_ratio", "Used share of the state root's file system");
  return (now) => {
    const { status } = now;
    ready.set(Number(status.ready));
    healthOk.set(Number(status.health.ok));
    storageOk.set(Number(status.storage.ok));
    holding.set(Number(status.health.warnings.some(({ code }) => code === "restored_copy_holding")));
    for (const severity of ["info", "warning", "error"] as const)
      warnings.set({ severity }, status.health.warnings.filter((one) => one.severity === severity).length);
    // Routes come and go; one that is gone must not stay in its last state.
    routes.reset();
    for (const one of now.routes) {
      const labels = { route: one.route_id, active: String(one.active) };
      for (const state of ROUTE_STATES) routes.set({ ...labels, state }, Number(one.state === state));
    }
    for (const level of DebugLevel.options)
      debugLevel.set({ level }, Number(status.runtime.debug_level === level));
    for (const each of RunStatuses.options) runs.set({ status: each }, status.runs[each satisfies RunStatus]);
    sessions.set(status.sessions.total);
    pending.set({ kind: "approval" }, status.runs.pending_approval_count);
    pending.set({ kind: "question" }, status.runs.pending_question_count);
    oldest.set({ kind: "approval" }, now.oldestApprovalSeconds);
    oldest.set({ kind: "question" }, now.oldestQuestionSeconds);
    deepest.set(status.runs.max_session_queue_depth);
    queuedAge.set((status.runs.oldest_queued_run_age_ms ?? 0) / 1000);
    idleAge.set((status.runs.oldest_non_terminal_run_idle_ms ?? 0) / 1000);
    stale.set(status.runs.stale_non_terminal_run_count);
    for (const { queue, lagSeconds, deadLetters } of now.queues) {
      lag.set({ queue }, lagSeconds);
      dead.set({ queue }, deadLetters);
    }
    const { hooks } = status;
    setTo(hookExecutions, hooks.execution_count);
    setTo(hookFailures, hooks.failure_count);
    setTo(hookRetries, hooks.retry_count);
    setTo(hookLost, hooks.dead_letter_persist_failure_count);
    hookDead.set(hooks.unresolved_dead_lettered_count);
    subscribers.set(status.events.subscriber_count);
    storeBytes.set(now.storeBytes);
    diskRatio.set(now.diskUsedRatio);
  };
}

/** Of what is counted elsewhere. */
function setTo(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}
