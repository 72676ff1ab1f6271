import type { Flush } from "../../store-channels.ts";

/** Flushes are judged together, so many milliseconds of them at a time. */
export const WINDOW_MS = 250;
/** Of the daemon's time: below this, the store is not what others wait for. */
const MUCH = 0.2;
/** A flush that is shared has many who wait for it, and many who could go on meanwhile. */
const SHARED_BY = 4;
/** A disk that takes this long leaves the processor idle. */
const SLOW_MS = 3;
/** Below half of what was worth a thread it is worth it no more: between the two the store stays where it is. */
const HALF = 0.5;

/** What the store cost over some time. */
export interface Spent {
  elapsedMs: number;
  flushes: number;
  commits: number;
  flushMs: number;
}

/**
 * Whether the store is worth a thread of its own. It costs a hop for each call and some memory: one run at a time is
 * slower with it, and a daemon at rest bigger. It pays when many runs share flushes and there is a second processor, or
 * when each of them waits for a slow disk.
 */
export function isWorthAThread(spent: Spent, processors: number): boolean {
  return isAbove(spent, processors, 1);
}

/** Whether it has clearly ceased to be. */
export function isCalm(spent: Spent, processors: number): boolean {
  return !isAbove(spent, processors, HALF);
}

function isAbove(
  { elapsedMs, flushes, commits, flushMs }: Spent,
  processors: number,
  share: number,
): boolean {
  if (flushes === 0 || flushMs < share * MUCH * elapsedMs) return false;
  const isSlow = flushMs >= share * SLOW_MS * flushes;
  const isShared = commits >= share * SHARED_BY * flushes;
  return isSlow || (isShared && processors > 1);
}

/** Adds up flushes since it was last read. Times are of a clock that only goes forward. */
export class Spending {
  #sinceMs: number;
  #flushes = 0;
  #commits = 0;
  #flushMs = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  add({ commits, ms }: Flush): void {
    this.#flushes += 1;
    this.#commits += commits;
    this.#flushMs += ms;
  }

  elapsedMs(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }

  /** Begins anew. */
  take(nowMs: number): Spent {
    const spent = {
      elapsedMs: this.elapsedMs(nowMs),
      flushes: this.#flushes,
      commits: this.#commits,
      flushMs: this.#flushMs,
    };
    this.#sinceMs = nowMs;
    this.#flushes = 0;
    this.#commits = 0;
    this.#flushMs = 0;
    return spent;
  }
}
