import { type Clock, sleep } from "../../kernel/clock.ts";
import { type DeadlineLimits, tookTooLong, wasSilent } from "../drivers/deadline.ts";

/** What a route without limits of its own allows. */
export const UNLIMITED: DeadlineLimits = {
  timeout_ms: Number.POSITIVE_INFINITY,
  inactivity_timeout_ms: Number.POSITIVE_INFINITY,
};

/**
 * The delays of one simulated answer under the limits of its route (02-A8). A delay that is too long ends the attempt
 * when a real provider's would; no delay asked, no timer set, so that a load test is not slowed by it.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #limits: DeadlineLimits;
  readonly #endsAt: number;
  #expired: string | undefined;

  constructor(clock: Clock, limits: DeadlineLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#endsAt = clock.now() + limits.timeout_ms;
  }

  /** What ran out, if anything did. */
  get expired(): string | undefined {
    return this.#expired;
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || this.#expired !== undefined) return;
    const left = this.#endsAt - this.#clock.now();
    const { inactivity_timeout_ms: silence } = this.#limits;
    await sleep(this.#clock, Math.min(ms, left, silence), signal);
    if (signal.aborted) return;
    if (ms > left && left <= silence) this.#expired = tookTooLong(this.#limits);
    else if (ms > silence) this.#expired = wasSilent(this.#limits);
  }
}
