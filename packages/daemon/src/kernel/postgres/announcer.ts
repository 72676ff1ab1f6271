import { systemClock, type Timer } from "../clock.ts";

/** Between two announcements. */
const PAUSE_MS = 5;

/**
 * Tells other daemons that something was committed: at once after a while of silence, and never more often than they need
 * it. Each of them is woken by every announcement, and then reads all that has landed. By the machine's clock: it is the
 * server that is spared.
 */
export class Announcer {
  readonly #send: () => void;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(send: () => void) {
    this.#send = send;
  }

  /** Something was committed. */
  soon(): void {
    if (this.#timer !== undefined) return;
    const sinceMs = systemClock.now() - this.#sentAtMs;
    // A clock that was set back says nothing of how long ago that was.
    const waitMs = sinceMs < 0 ? PAUSE_MS : PAUSE_MS - sinceMs;
    if (waitMs <= 0) this.#now();
    else this.#timer = systemClock.schedule(waitMs, () => this.#now());
  }

  /** Says what is left to say. */
  close(): void {
    if (this.#timer !== undefined) this.#now();
  }

  #now(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sentAtMs = systemClock.now();
    this.#send();
  }
}
