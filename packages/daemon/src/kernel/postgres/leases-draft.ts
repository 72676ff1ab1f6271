import type { AcquireLeaseOp, Fence, Lease, RenewOwnerOp } from "../store.ts";
import { Draft } from "./draft.ts";
import type { KnownRows } from "./known.ts";
import { BulkStatement, type Session, Statement } from "./statement.ts";

/** A lease as its row: one that was released has no owner, and keeps the token that the next one must exceed (K6). */
export type LeaseRow = Omit<Lease, "owner"> & { readonly owner: string | null };

const LEASE = `SELECT name, owner, token, expires_at_ms AS "expiresAtMs" FROM leases`;
const lockNamed = new Statement<[string[]], LeaseRow>(
  "leases.lock-named",
  `${LEASE} WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE`,
);
const lockOwned = new Statement<[string[]], LeaseRow>(
  "leases.lock-owned",
  `${LEASE} WHERE owner = ANY ($1::text[]) ORDER BY name FOR UPDATE`,
);
const COLUMNS = `
  unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS w (name, owner, token, expires_at_ms)`;
const fieldsOf = ({ name, owner, token, expiresAtMs }: LeaseRow) => [name, owner, token, expiresAtMs];
const add = new BulkStatement(
  "leases.add",
  `INSERT INTO leases (name, owner, token, expires_at_ms) SELECT * FROM ${COLUMNS} ORDER BY w.name COLLATE "C"`,
  fieldsOf,
);
const update = new BulkStatement(
  "leases.update",
  `UPDATE leases SET owner = w.owner, token = w.token, expires_at_ms = w.expires_at_ms
   FROM ${COLUMNS} WHERE leases.name = w.name`,
  fieldsOf,
);

/** The leases of a flush. That their rows are locked until the commit is what makes a token a fence. */
export class LeasesDraft {
  readonly #names = new Set<string>();
  readonly #owners = new Set<string>();
  readonly #leases = new Draft<LeaseRow>();

  want(name: string): void {
    this.#names.add(name);
  }

  wantOwner(owner: string): void {
    this.#owners.add(owner);
  }

  async load(session: Session): Promise<void> {
    const found = await Promise.all([
      this.#names.size > 0 ? lockNamed.run(session, [...this.#names]) : [],
      this.#owners.size > 0 ? lockOwned.run(session, [...this.#owners]) : [],
    ]);
    for (const lease of found.flat()) this.#leases.load(lease.name, lease);
  }

  /** As `load`, without asking; false when not all that is wanted is known. */
  assume(known: KnownRows<LeaseRow>): boolean {
    if (this.#owners.size > 0) return false;
    for (const name of this.#names) {
      const lease = known.get(name);
      if (lease === undefined) return false;
      this.#leases.load(name, lease);
    }
    return true;
  }

  /** What was assumed. */
  loaded(): LeaseRow[] {
    return this.#leases.loaded();
  }

  remember(known: KnownRows<LeaseRow>): void {
    for (const lease of this.#leases.rows()) known.remember(lease.name, lease);
  }

  forget(known: KnownRows<LeaseRow>): void {
    for (const name of this.#names) known.forget(name);
  }

  isHeld({ name, token }: Fence): boolean {
    const lease = this.#leases.get(name);
    return lease !== undefined && lease.owner !== null && lease.token === token;
  }

  /** Undefined when another owner holds it. */
  acquire({ name, owner, nowMs, leaseMs }: AcquireLeaseOp): Lease | undefined {
    const present = this.#leases.get(name);
    const isFree = present === undefined || present.owner === null || present.expiresAtMs <= nowMs;
    if (!isFree && present.owner !== owner) return undefined;
    const lease = { name, owner, token: (present?.token ?? 0) + 1, expiresAtMs: nowMs + leaseMs };
    this.#leases.put(name, lease);
    return lease;
  }

  /** False when the lease is not held with this token. */
  release(fence: Fence): boolean {
    const lease = this.#leases.get(fence.name);
    if (lease === undefined || !this.isHeld(fence)) return false;
    this.#leases.put(lease.name, { ...lease, owner: null });
    return true;
  }

  renewOwner({ owner, nowMs, leaseMs }: RenewOwnerOp): void {
    for (const lease of this.#ownedBy(owner))
      if (lease.expiresAtMs > nowMs)
        this.#leases.put(lease.name, {
          ...lease,
          expiresAtMs: Math.max(lease.expiresAtMs, nowMs + leaseMs),
        });
  }

  releaseOwner(owner: string): void {
    for (const lease of this.#ownedBy(owner)) this.#leases.put(lease.name, { ...lease, owner: null });
  }

  accept(): void {
    this.#leases.accept();
  }

  revert(): void {
    this.#leases.revert();
  }

  async write(session: Session): Promise<void> {
    const { added, updated } = this.#leases.changes();
    await Promise.all([
      add.run(session, added),
      update.run(
        session,
        updated.map(({ now }) => now),
      ),
    ]);
  }

  #ownedBy(owner: string): LeaseRow[] {
    return this.#leases.rows().filter((lease) => lease.owner === owner);
  }
}
