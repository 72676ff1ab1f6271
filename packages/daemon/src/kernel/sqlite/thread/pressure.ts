import type { Flush } from "../../store-channels.ts";

/** Flushes are judged together, a second of them at a time. */
const WINDOW_MS = 1_000;
/** Of the daemon's time: below this, the store is not what others wait for. */
const MUCH = 0.2;
/** A flush that is shared has many who wait for it, and many who could go on meanwhile. */
const SHARED_BY = 4;
/** A disk that takes this long leaves the processor idle. */
const SLOW_MS = 3;

/** What the store cost whoever shares a thread with it. */
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
export function isWorthAThread({ elapsedMs, flushes, commits, flushMs }: Spent, processors: number): boolean {
  if (flushes === 0 || flushMs < MUCH * elapsedMs) return false;
  return flushMs >= SLOW_MS * flushes || (processors > 1 && commits >= SHARED_BY * flushes);
}

/** Looks at flushes as they come, and says once when they have become too much. */
export class Pressure {
  readonly #processors: number;
  readonly #onTooMuch: () => void;
  #spent: Spent = { elapsedMs: 0, flushes: 0, commits: 0, flushMs: 0 };
  #sinceMs: number | undefined;
  #isSaid = false;

  constructor(processors: number, onTooMuch: () => void) {
    this.#processors = processors;
    this.#onTooMuch = onTooMuch;
  }

  /** `nowMs`: of a clock that only goes forward. */
  add({ commits, ms }: Flush, nowMs: number): void {
    if (this.#isSaid) return;
    this.#sinceMs ??= nowMs - ms;
    const before = this.#spent;
    this.#spent = {
      elapsedMs: nowMs - this.#sinceMs,
      flushes: before.flushes + 1,
      commits: before.commits + commits,
      flushMs: before.flushMs + ms,
    };
    if (this.#spent.elapsedMs < WINDOW_MS) return;
    this.#isSaid = isWorthAThread(this.#spent, this.#processors);
    this.#spent = { elapsedMs: 0, flushes: 0, commits: 0, flushMs: 0 };
    this.#sinceMs = undefined;
    if (this.#isSaid) this.#onTooMuch();
  }
}
