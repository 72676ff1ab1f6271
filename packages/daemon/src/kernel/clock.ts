/** Handle of a scheduled callback. */
export interface Timer {
  cancel(): void;
}

/** Time comes in by argument: nothing below `main.ts` reads the machine's clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once, `delayMs` from now. A pending timer does not keep the process alive. */
  schedule(delayMs: number, run: () => void): Timer;
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.schedule(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Milliseconds of a clock that only goes forward, to a fraction: for measuring, never for deciding what is due. */
export function monotonicMs(): number {
  return performance.now();
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock. Delays above what a Node timer can hold are re-armed. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, run) {
    let handle: NodeJS.Timeout;
    const arm = (left: number) => {
      const step = Math.min(Math.max(0, left), MAX_TIMEOUT_MS);
      handle = setTimeout(() => (left > step ? arm(left - step) : run()), step);
      handle.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A clock that moves only when told to; for tests and the simulation. */
export class SimulatedClock implements Clock {
  #now: number;
  #order = 0;
  #timers: { at: number; order: number; run: () => void }[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** When the next timer is due, if any is set. */
  nextDueAt(): number | undefined {
    return this.#timers.reduce<number | undefined>(
      (soonest, timer) => (soonest === undefined || timer.at < soonest ? timer.at : soonest),
      undefined,
    );
  }

  /** Moves time forward, firing what falls due in order; lets promises settle between timers. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      const due = this.#timers
        .filter((timer) => timer.at <= target)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = target;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
