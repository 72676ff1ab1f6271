import { problem } from "@kheish/contract";
import type { Principal } from "../../../features/binding.ts";
import type { Clock } from "../../../kernel/clock.ts";

const MINUTE_MS = 60_000;
/** Beyond this many callers the one that was known longest starts anew. */
const MAX_CALLERS = 4096;

interface Bucket {
  /** Requests left. */
  left: number;
  filledAt: number;
}

/**
 * Bounds what a caller with a valid token may ask (02-W21): a bucket a principal that holds a minute's requests and
 * fills evenly. Without auth everybody is the same principal, so the address tells callers apart.
 */
export class RequestLimiter {
  readonly #clock: Clock;
  /** 0: no bound. */
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Takes one request out of the caller's bucket, or refuses it and says when to come back. */
  spend(principal: Principal, address: string | undefined): void {
    if (this.#perMinute === 0) return;
    const bucket = this.#bucketOf(principal.id === "anonymous" ? `anonymous ${address}` : principal.id);
    if (bucket.left < 1) throw tooManyRequests(((1 - bucket.left) * MINUTE_MS) / this.#perMinute);
    bucket.left -= 1;
  }

  #bucketOf(key: string): Bucket {
    const now = this.#clock.now();
    const known = this.#buckets.get(key);
    if (known === undefined) {
      if (this.#buckets.size >= MAX_CALLERS) this.#forgetOne();
      const full = { left: this.#perMinute, filledAt: now };
      this.#buckets.set(key, full);
      return full;
    }
    const gained = (Math.max(0, now - known.filledAt) * this.#perMinute) / MINUTE_MS;
    known.left = Math.min(this.#perMinute, known.left + gained);
    known.filledAt = now;
    return known;
  }

  #forgetOne(): void {
    const [longestKnown] = this.#buckets.keys();
    if (longestKnown !== undefined) this.#buckets.delete(longestKnown);
  }
}

function tooManyRequests(waitMs: number) {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return problem("api", "too_many_requests", `too many requests of this caller; wait ${seconds} s`, {
    headers: { "retry-after": String(seconds) },
  });
}
