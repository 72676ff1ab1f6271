import type { DatabaseSync } from "node:sqlite";
import type { AcquireLeaseOp, Fence, Lease } from "../store.ts";
import { Query } from "./query.ts";
import type { Sequences } from "./sequences.ts";

type LeaseRow = { name: string; owner: string; token: number; expires_at_ms: number };

/** A released lease is no row; its token is not given again because all leases draw from one sequence (K6). */
export class Leases {
  readonly #sequences: Sequences;
  readonly #find;
  readonly #take;
  readonly #release;
  readonly #renewOwner;
  readonly #releaseOwner;

  constructor(db: DatabaseSync, sequences: Sequences) {
    this.#sequences = sequences;
    this.#find = new Query<[string], LeaseRow>(
      db,
      "SELECT name, owner, token, expires_at_ms FROM leases WHERE name = ?",
    );
    this.#take = new Query<[string, string, number, number]>(
      db,
      "INSERT OR REPLACE INTO leases (name, owner, token, expires_at_ms) VALUES (?, ?, ?, ?)",
    );
    this.#release = new Query<[string, number]>(db, "DELETE FROM leases WHERE name = ? AND token = ?");
    this.#renewOwner = new Query<[string, number, number]>(
      db,
      "UPDATE leases SET expires_at_ms = max(expires_at_ms, ?3) WHERE owner = ?1 AND expires_at_ms > ?2",
    );
    this.#releaseOwner = new Query<[string]>(db, "DELETE FROM leases WHERE owner = ?");
  }

  /** Undefined when another owner holds it. */
  acquire({ name, owner, nowMs, leaseMs }: AcquireLeaseOp): Lease | undefined {
    const present = this.#find.get(name);
    if (present !== undefined && present.owner !== owner && present.expires_at_ms > nowMs) return undefined;
    const lease = { name, owner, token: this.#sequences.nextToken(), expiresAtMs: nowMs + leaseMs };
    this.#take.run(lease.name, lease.owner, lease.token, lease.expiresAtMs);
    return lease;
  }

  /** False when the lease is not held with this token. */
  release(name: string, token: number): boolean {
    return this.#release.run(name, token) === 1;
  }

  isHeld({ name, token }: Fence): boolean {
    return this.#find.get(name)?.token === token;
  }

  renewOwner(owner: string, nowMs: number, leaseMs: number): void {
    this.#renewOwner.run(owner, nowMs, nowMs + leaseMs);
  }

  releaseOwner(owner: string): void {
    this.#releaseOwner.run(owner);
  }

  get(name: string): Lease | undefined {
    const row = this.#find.get(name);
    return row && { name: row.name, owner: row.owner, token: row.token, expiresAtMs: row.expires_at_ms };
  }
}
