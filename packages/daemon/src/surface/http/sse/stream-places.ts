import { problem } from "@kheish/contract";
import type { Principal } from "../../../features/binding.ts";
import type { Clock } from "../../../kernel/clock.ts";

/** One of the streams that may be open at a time. */
export interface StreamPlace {
  /** Aborts when the stream is over: it ended, its caller left, its token did, or the daemon drains. */
  readonly signal: AbortSignal;
  /** Ends the stream and frees the place; does nothing the second time. */
  leave(): void;
}

export interface StreamLimits {
  /** Streams that may be open at a time. */
  total: number;
  /** Streams of one principal; the operator alone may have them all, so that no reader locks him out. */
  perPrincipal: number;
}

/** Clients come back by themselves; a second is enough for a place to become free. */
const RETRY = { headers: { "retry-after": "1" } };
/** Revoked tokens that are remembered: a request that was admitted just before opens no stream just after. */
const MAX_REVOKED = 1_000;

/** Bounds how many streams are open and whose they are, and ends them with their tokens and with the daemon. */
export class StreamPlaces {
  readonly #limits: StreamLimits;
  readonly #clock: Clock;
  readonly #taken = new Map<StreamPlace, Principal>();
  readonly #held = new Map<string, number>();
  readonly #revoked = new Set<string>();
  #draining = false;

  constructor(limits: StreamLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  take(principal: Principal): StreamPlace {
    this.#refuseExcess(principal);
    const over = new AbortController();
    const place: StreamPlace = {
      signal: over.signal,
      leave: () => {
        if (!this.#taken.delete(place)) return;
        this.#count(principal, -1);
        over.abort();
      },
    };
    this.#taken.set(place, principal);
    this.#count(principal, 1);
    this.#endWithToken(place, principal);
    return place;
  }

  /** Ends the streams that were opened with a token. */
  revoke(tokenId: string): void {
    const [oldest] = this.#revoked;
    if (oldest !== undefined && this.#revoked.size >= MAX_REVOKED) this.#revoked.delete(oldest);
    this.#revoked.add(tokenId);
    for (const [place, { grant }] of this.#taken) if (grant?.tokenId === tokenId) place.leave();
  }

  /** Ends every stream; none is opened any more. */
  drain(): void {
    this.#draining = true;
    for (const place of this.#taken.keys()) place.leave();
  }

  #refuseExcess(principal: Principal): void {
    const { total, perPrincipal } = this.#limits;
    if (this.#draining)
      throw problem("readiness", "daemon_draining", "the daemon is draining; connect again later");
    if (principal.grant !== undefined && this.#revoked.has(principal.grant.tokenId))
      throw problem("auth", "invalid_token", "the token has been revoked");
    if (principal.access !== "admin" && (this.#held.get(principal.id) ?? 0) >= perPrincipal)
      throw problem(
        "api",
        "too_many_streams_of_caller",
        `'${principal.id}' has ${perPrincipal} streams open already; close one`,
        RETRY,
      );
    if (this.#taken.size >= total)
      throw problem(
        "api",
        "too_many_streams",
        `${total} streams are open already; close one or try later`,
        RETRY,
      );
  }

  #count(principal: Principal, change: 1 | -1): void {
    const held = (this.#held.get(principal.id) ?? 0) + change;
    if (held === 0) this.#held.delete(principal.id);
    else this.#held.set(principal.id, held);
  }

  #endWithToken(place: StreamPlace, { grant }: Principal): void {
    if (grant?.expiresAtMs === undefined) return;
    const left = Math.max(0, grant.expiresAtMs - this.#clock.now());
    const expiry = this.#clock.schedule(left, place.leave);
    place.signal.addEventListener("abort", () => expiry.cancel(), { once: true });
  }
}
