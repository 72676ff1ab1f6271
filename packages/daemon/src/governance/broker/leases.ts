import { createHash } from "node:crypto";
import type { CredentialAudience } from "@kheish/contract";

/** Permission to use one credential for one purpose for a short while. */
export interface Lease {
  readonly id: string;
  readonly grant_id: string;
  readonly subject_id: string;
  readonly subject_epoch: number;
  readonly audience: CredentialAudience;
  readonly issued_at_ms: number;
  readonly expires_at_ms: number;
}

/** 02-R65. */
const LIFETIMES_MS = { route: 60_000, mcp_server: 60_000, connector: 300_000 } as const;

interface Kept {
  lease: Lease;
  revoked: boolean;
  key: string;
}

/**
 * The leases of this process. They live in memory only and end with it; what has to survive is the revocation of their
 * subject or slot. Each audience's leases live equally long, so the oldest of them is always the next to expire.
 */
export class Leases {
  readonly #byId = new Map<string, Kept>();
  readonly #newest = new Map<string, Kept>();
  readonly #order = { route: new Set<Kept>(), mcp_server: new Set<Kept>(), connector: new Set<Kept>() };
  #count = 0;

  /**
   * A lease for this subject and audience: the one at hand while at least half of its time is left, so that a busy
   * session holds two at most and not one per call, else a new one.
   */
  issue(subjectId: string, epoch: number, audience: CredentialAudience, scope: string, nowMs: number): Lease {
    this.#dropExpired(nowMs);
    const lifetime = LIFETIMES_MS[audience.type];
    const key = JSON.stringify([subjectId, epoch, audience, scope]);
    const present = this.#newest.get(key);
    if (present !== undefined && !present.revoked && present.lease.expires_at_ms - nowMs >= lifetime / 2) {
      return present.lease;
    }
    this.#count += 1;
    const grant_id = digest(["grant", subjectId, audience, scope]);
    const lease: Lease = {
      id: digest(["lease", grant_id, epoch, nowMs, this.#count]),
      grant_id,
      subject_id: subjectId,
      subject_epoch: epoch,
      audience,
      issued_at_ms: nowMs,
      expires_at_ms: nowMs + lifetime,
    };
    const kept = { lease, revoked: false, key };
    this.#byId.set(lease.id, kept);
    this.#newest.set(key, kept);
    this.#order[audience.type].add(kept);
    return lease;
  }

  get(id: string, nowMs: number): { lease: Lease; revoked: boolean } | undefined {
    this.#dropExpired(nowMs);
    return this.#byId.get(id);
  }

  isRevoked(id: string): boolean {
    return this.#byId.get(id)?.revoked ?? false;
  }

  of(subjectId: string, nowMs: number): Lease[] {
    this.#dropExpired(nowMs);
    return [...this.#byId.values()]
      .filter((one) => one.lease.subject_id === subjectId)
      .map((one) => one.lease);
  }

  /** Marks what matches as revoked; how many of them were not before. */
  revoke(matches: (lease: Lease) => boolean, nowMs: number): number {
    this.#dropExpired(nowMs);
    let revoked = 0;
    for (const kept of this.#byId.values()) {
      if (kept.revoked || !matches(kept.lease)) continue;
      kept.revoked = true;
      revoked += 1;
    }
    return revoked;
  }

  #dropExpired(nowMs: number): void {
    for (const order of Object.values(this.#order)) {
      for (const kept of order) {
        if (kept.lease.expires_at_ms > nowMs) break;
        order.delete(kept);
        this.#byId.delete(kept.lease.id);
        if (this.#newest.get(kept.key) === kept) this.#newest.delete(kept.key);
      }
    }
  }
}

/** Whether the lease lets somebody at the content of this slot. */
export function usesSlot({ audience }: Lease, slotId: string): boolean {
  return audience.type === "connector" ? audience.secret_refs.includes(slotId) : audience.slot_id === slotId;
}

/** 43 opaque characters. */
function digest(tuple: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(tuple)).digest("base64url");
}
