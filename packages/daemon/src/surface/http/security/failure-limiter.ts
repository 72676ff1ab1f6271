import type { Clock } from "../../../kernel/clock.ts";

/** What to do with one more failure of a key: count it, announce that it is limited now, or stay quiet. */
export type Verdict = "counted" | "limited_from_now" | "limited";

const FAILURES_PER_WINDOW = 60;
export const WINDOW_MS = 60_000;
/** Beyond this many keys the longest-known one is forgotten: an attacker with many addresses costs no memory. */
const MAX_KEYS = 4096;

interface Window {
  startedAt: number;
  failures: number;
}

/** Counts failures per key in windows of a minute (02-R89). */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  fail(key: string): Verdict {
    const window = this.#windowOf(key);
    window.failures += 1;
    if (window.failures <= FAILURES_PER_WINDOW) return "counted";
    return window.failures === FAILURES_PER_WINDOW + 1 ? "limited_from_now" : "limited";
  }

  #windowOf(key: string): Window {
    const now = this.#clock.now();
    const known = this.#windows.get(key);
    if (known !== undefined && now - known.startedAt < WINDOW_MS) return known;
    this.#windows.delete(key);
    this.#makeRoom();
    const fresh = { startedAt: now, failures: 0 };
    this.#windows.set(key, fresh);
    return fresh;
  }

  #makeRoom(): void {
    if (this.#windows.size < MAX_KEYS) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
