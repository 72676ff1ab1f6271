import { isTerminal, RunStatus, type RunsStatus } from "@kheish/contract";
import type { Kept } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";

export interface RunsStatusSources {
  store: Store;
  /** A queued run that waits longer lags. */
  queuedLagThresholdMs: number;
  /** A run that nothing has moved for longer is stale. */
  staleThresholdMs: number;
}

const STATUSES = RunStatus.options;
const NON_TERMINAL = STATUSES.filter((status) => !isTerminal(status));
const STALE_IDS = 5;
const SCAN = 1_000;

/** How many runs there are of each kind, and which wait for too long: from indexes, never a walk over all runs. */
export async function runsStatus(sources: RunsStatusSources, now: number): Promise<RunsStatus> {
  const { store, queuedLagThresholdMs, staleThresholdMs } = sources;
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
  const stale = await staleRuns(sources, now);
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
    max_session_queue_depth: await deepestQueue(store),
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
async function staleRuns({ store, staleThresholdMs }: RunsStatusSources, now: number): Promise<string[]> {
  const oldest = await store.list("run", { index: "recent", prefix: [1], limit: SCAN });
  return (oldest as unknown as Kept<"run">[])
    .filter((run) => now - run.data.updated_at_ms > staleThresholdMs)
    .map((run) => run.id);
}

async function deepestQueue(store: Store): Promise<number> {
  const queued = await store.list("run", { index: "status", prefix: ["queued"], limit: SCAN });
  const depths = new Map<string, number>();
  for (const { data } of queued as unknown as Kept<"run">[]) {
    depths.set(data.session_id, (depths.get(data.session_id) ?? 0) + 1);
  }
  return Math.max(0, ...depths.values());
}
