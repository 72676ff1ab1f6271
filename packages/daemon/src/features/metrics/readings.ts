import type { DaemonStatusView } from "@kheish/contract";
import type { Kept, RouteReadiness } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";

/** What is looked up at each scrape, from indexes; the rest was counted as it happened. */
export interface Readings {
  status: DaemonStatusView;
  routes: readonly RouteReadiness[];
  /** 0 when nothing waits. */
  oldestApprovalSeconds: number;
  oldestQuestionSeconds: number;
  queues: { queue: string; lagSeconds: number; deadLetters: number }[];
  storeBytes: number;
  /** 0 to 1; 0 where the platform does not say. */
  diskUsedRatio: number;
}

export interface ReadingSources {
  store: Store;
  clock: Clock;
  status: () => Promise<DaemonStatusView>;
  routes: () => readonly RouteReadiness[];
  /** Queues of the daemon: a closed set. */
  queues: readonly string[];
  diskUsedRatio: () => Promise<number>;
}

const MOST_DEAD_LETTERS = 1_000;

export async function takeReadings(sources: ReadingSources): Promise<Readings> {
  const { store, clock } = sources;
  const nowMs = clock.now();
  const [status, approval, question, storeBytes, diskUsedRatio, queues] = await Promise.all([
    sources.status(),
    store.list("approval", { index: "pending", limit: 1 }),
    store.list("question", { index: "pending", limit: 1 }),
    store.sizeBytes(),
    sources.diskUsedRatio(),
    Promise.all(sources.queues.map((queue) => readQueue(store, queue, nowMs))),
  ]);
  const [oldestApproval] = approval as unknown as Kept<"approval">[];
  const [oldestQuestion] = question as unknown as Kept<"question">[];
  return {
    status,
    routes: sources.routes(),
    oldestApprovalSeconds: ageSeconds(nowMs, oldestApproval?.data.created_at_ms),
    oldestQuestionSeconds: ageSeconds(nowMs, oldestQuestion?.data.request.created_at_ms),
    queues,
    storeBytes,
    diskUsedRatio,
  };
}

async function readQueue(store: Store, queue: string, nowMs: number): Promise<Readings["queues"][number]> {
  const [dueAtMs, dead] = await Promise.all([
    store.nextDueAt(queue),
    store.deadLetters(queue, MOST_DEAD_LETTERS),
  ]);
  return { queue, lagSeconds: ageSeconds(nowMs, dueAtMs), deadLetters: dead.length };
}

function ageSeconds(nowMs: number, sinceMs: number | undefined): number {
  return sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
}
