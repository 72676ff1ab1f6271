import type { Clock, Timer } from "../../kernel/clock.ts";

export interface DeadlineLimits {
  timeout_ms: number;
  inactivity_timeout_ms: number;
}

export function tookTooLong({ timeout_ms }: DeadlineLimits): string {
  return `The provider did not finish its answer within ${timeout_ms} ms.`;
}

export function wasSilent({ inactivity_timeout_ms }: DeadlineLimits): string {
  return `The provider sent nothing for ${inactivity_timeout_ms} ms.`;
}

/** Ends one attempt that takes too long, as a whole or between two pieces of its answer. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #limits: DeadlineLimits;
  readonly #controller = new AbortController();
  readonly #total: Timer;
  #inactivity: Timer;
  #lastActivity: number;
  #expired: string | undefined;

  constructor(clock: Clock, limits: DeadlineLimits, outer: AbortSignal) {
    this.#clock = clock;
    this.#limits = limits;
    this.#lastActivity = clock.now();
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
    this.#total = clock.schedule(limits.timeout_ms, () => this.#expire(tookTooLong(limits)));
    this.#inactivity = clock.schedule(limits.inactivity_timeout_ms, () => this.#checkActivity());
  }

  /** What ran out, if anything did. */
  get expired(): string | undefined {
    return this.#expired;
  }

  /** Something came in. Costs no timer: the one that is set finds out when it fires. */
  touch(): void {
    this.#lastActivity = this.#clock.now();
  }

  close(): void {
    this.#total.cancel();
    this.#inactivity.cancel();
  }

  #checkActivity(): void {
    const { inactivity_timeout_ms } = this.#limits;
    const left = this.#lastActivity + inactivity_timeout_ms - this.#clock.now();
    if (left > 0) this.#inactivity = this.#clock.schedule(left, () => this.#checkActivity());
    else this.#expire(wasSilent(this.#limits));
  }

  #expire(reason: string): void {
    this.#expired = reason;
    this.close();
    this.#controller.abort(new DOMException(reason, "AbortError"));
  }
}
