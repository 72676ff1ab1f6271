import type { DatabaseSync } from "node:sqlite";
import { RecentMap } from "../recent-map.ts";
import type { AcquireLeaseOp, Fence, Lease } from "../store.ts";
import { Query } from "./query.ts";
import type { Sequences } from "./sequences.ts";

/** Leases that are known without reading; more than one daemon holds at a time. */
const MAX_KNOWN = 1024;

type LeaseRow = { name: string; owner: string; token: number; expires_at_ms: number };

/** A released lease is no row; its token is not given again because all leases draw from one sequence (K6). */
export class Leases {
  readonly #sequences: Sequences;
  /** A fence is looked at with every step of a run. A cache: what was rolled back must be forgotten. */
  readonly #known = new RecentMap<LeaseRow>(MAX_KNOWN);
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
    const present = this.#row(name);
    if (present !== undefined && present.owner !== owner && present.expires_at_ms > nowMs) return undefined;
    const lease = { name, owner, token: this.#sequences.nextToken(), expiresAtMs: nowMs + leaseMs };
    this.#take.run(lease.name, lease.owner, lease.token, lease.expiresAtMs);
    this.#known.set(name, { name, owner, token: lease.token, expires_at_ms: lease.expiresAtMs });
    return lease;
  }

  /** False when the lease is not held with this token. */
  release(name: string, token: number): boolean {
    this.#known.delete(name);
    return this.#release.run(name, token) === 1;
  }

  isHeld({ name, token }: Fence): boolean {
    return this.#row(name)?.token === token;
  }

  /** To be called whenever something was rolled back. */
  forget(): void {
    this.#known.clear();
  }

  renewOwner(owner: string, nowMs: number, leaseMs: number): void {
    this.#known.clear();
    this.#renewOwner.run(owner, nowMs, nowMs + leaseMs);
  }

  releaseOwner(owner: string): void {
    this.#known.clear();
    this.#releaseOwner.run(owner);
  }

  get(name: string): Lease | undefined {
    const row = this.#row(name);
    return row && { name: row.name, owner: row.owner, token: row.token, expiresAtMs: row.expires_at_ms };
  }

  #row(name: string): LeaseRow | undefined {
    const row = this.#known.get(name) ?? this.#find.get(name);
    if (row !== undefined) this.#known.set(name, row);
    return row;
  }
}
