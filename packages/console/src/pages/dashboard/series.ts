import { isTerminal, type RunView } from "@kheish/sdk";

/** What ended or began in one stretch of time. */
export interface Bucket {
  fromMs: number;
  completed: number;
  failed: number;
  /** Neither: queued, at work, waiting, cancelled. */
  other: number;
  tokens: number;
  costMicrousd: number;
  /** How long the runs took that ended: the middle one, and the slowest but one in twenty; absent where none ended. */
  p50Ms?: number;
  p95Ms?: number;
}

export const BUCKETS = 30;

/** Runs by when they were submitted, in equal stretches that end now. */
export function seriesOf(runs: readonly RunView[], span: { fromMs: number; untilMs: number }): Bucket[] {
  const width = Math.max(1, (span.untilMs - span.fromMs) / BUCKETS);
  const sorted: RunView[][] = Array.from({ length: BUCKETS }, () => []);
  for (const run of runs) {
    const at = Math.floor((run.submitted_at_ms - span.fromMs) / width);
    // A run that is newer than the newest stretch is so by the daemon's clock: it is of now.
    if (at >= 0) sorted[Math.min(at, BUCKETS - 1)]?.push(run);
  }
  return sorted.map((inside, at) => bucketOf(inside, span.fromMs + at * width));
}

function bucketOf(runs: readonly RunView[], fromMs: number): Bucket {
  const count = (isOne: (run: RunView) => boolean) => runs.filter(isOne).length;
  const completed = count(({ status }) => status === "completed");
  const failed = count(({ status }) => status === "failed" || status === "interrupted");
  const sum = (of: (usage: NonNullable<RunView["usage"]>) => number) =>
    runs.reduce((total, { usage }) => total + (usage === undefined ? 0 : of(usage)), 0);
  const took = runs
    .filter(({ status }) => isTerminal(status))
    .flatMap(({ started_at_ms: from, finished_at_ms: until }) =>
      from === undefined || until === undefined ? [] : [until - from],
    )
    .sort((a, b) => a - b);
  const [p50, p95] = [quantile(took, 0.5), quantile(took, 0.95)];
  return {
    fromMs,
    completed,
    failed,
    other: runs.length - completed - failed,
    tokens: sum(({ input_tokens, output_tokens }) => input_tokens + output_tokens),
    costMicrousd: sum(({ cost_microusd = 0 }) => cost_microusd),
    ...(p50 !== undefined && p95 !== undefined && { p50Ms: p50, p95Ms: p95 }),
  };
}

/** The smallest value that so large a part of all is not above. */
function quantile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}
