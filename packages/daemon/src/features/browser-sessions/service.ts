import type { BrowserSession } from "@kheish/contract";
import type { Clock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../kernel/store.ts";
import type { Actor } from "../binding.ts";
import { keyText, newCredentials, type Presented, proofOf, proves } from "./credentials.ts";
import { event, KIND, put, type SessionRecord } from "./records.ts";

/** However often its owner comes back. */
const LIFETIME_MS = 30 * 86_400_000;
/** So many that each operator has a few; beyond it the oldest go. */
const MAX_SESSIONS = 1_000;
const PRUNED_AT_ONCE = 100;

/** Which token a browser session stands for. */
export interface Behind {
  /** Hex SHA-256. */
  tokenSha256: string;
  tokenId?: string;
}

export interface Created {
  session: BrowserSession;
  lifetimeMs: number;
  presented: Presented;
}

/**
 * Operators who stay signed in on a browser (08, weakness 2). A session is nobody by itself: at each request it is the
 * token that it was exchanged for, as that is now, and it is nothing when that is gone.
 */
export class BrowserSessionService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(deps: { store: Store; clock: Clock; random: Random }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  async create(behind: Behind, { principal, requestId }: Actor): Promise<Created> {
    const now = this.#clock.now();
    const presented = newCredentials(this.#random);
    const until = principal.grant?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    const data: SessionRecord = {
      proof_sha256: proofOf(presented),
      token_sha256: behind.tokenSha256,
      ...(behind.tokenId === undefined ? {} : { token_id: behind.tokenId }),
      principal: principal.id,
      created_at_ms: now,
      expires_at_ms: Math.min(now + LIFETIME_MS, until),
    };
    const who = { id: presented.id, principal: principal.id };
    await this.#prune(now);
    await this.#store.commit([
      put(presented.id, data),
      event("browser_session_created", who, requestId, now),
    ]);
    return {
      session: { principal: principal.id, key: keyText(presented), expires_at_ms: data.expires_at_ms },
      lifetimeMs: data.expires_at_ms - now,
      presented,
    };
  }

  /** The token behind what a browser presents; undefined where there is no such session any more. */
  async behind(presented: Presented): Promise<Behind | undefined> {
    const kept = await this.#store.get<SessionRecord>(KIND, presented.id);
    if (kept === undefined || !proves(presented, kept.data.proof_sha256)) return undefined;
    if (this.#clock.now() >= kept.data.expires_at_ms) return undefined;
    const { token_sha256: tokenSha256, token_id: tokenId } = kept.data;
    return { tokenSha256, ...(tokenId === undefined ? {} : { tokenId }) };
  }

  /** From the next request on. */
  async end(id: string, { principal, requestId }: Actor): Promise<void> {
    const who = { id, principal: principal.id };
    const now = this.#clock.now();
    await this.#store.commit([
      { op: "delete", kind: KIND, id },
      event("browser_session_ended", who, requestId, now),
    ]);
  }

  /** Those that are over, and the oldest of too many. */
  async #prune(now: number): Promise<void> {
    const oldest = await this.#store.list<SessionRecord>(KIND, { index: "expires", limit: PRUNED_AT_ONCE });
    const count = await this.#store.count(KIND, { index: "expires" });
    const gone = oldest.filter(
      ({ data }, place) => data.expires_at_ms <= now || place <= count - MAX_SESSIONS,
    );
    if (gone.length === 0) return;
    await this.#store.commit(gone.map(({ id }) => ({ op: "delete", kind: KIND, id })));
  }
}
