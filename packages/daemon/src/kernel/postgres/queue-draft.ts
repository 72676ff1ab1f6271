import {
  type BuryOp,
  type CheckClaimOp,
  type ClaimItemOp,
  type ClaimOp,
  type CompleteOp,
  type HastenOp,
  type QueueItem,
  type ReleaseLostOp,
  type RenewOwnerOp,
  type RetryOp,
  StoreError,
} from "../store.ts";
import { Draft, pairKey } from "./draft.ts";
import type { EncodedEnqueue } from "./encode.ts";
import {
  bury,
  type ClaimedItem,
  claim,
  complete,
  enqueue,
  hasten,
  ITEM_COLUMNS,
  type Item,
  queueItem,
  release,
  renew,
  retry,
  type WaitingItem,
} from "./queue-item.ts";
import { BulkStatement, type Session, Statement } from "./statement.ts";

const lockNamed = new Statement<[string[], string[]], Item>(
  "queue.lock-named",
  `SELECT ${ITEM_COLUMNS}
   FROM unnest($1::text[], $2::text[]) AS w (queue, key) JOIN queue_items i ON i.queue = w.queue AND i.key = w.key
   ORDER BY i.queue, i.key FOR UPDATE OF i`,
);
const lockOwned = new Statement<[string[]], Item>(
  "queue.lock-owned",
  `SELECT ${ITEM_COLUMNS} FROM queue_items i WHERE i.owner = ANY ($1::text[]) ORDER BY i.queue, i.key FOR UPDATE`,
);
const lockLate = new Statement<[string, number], Item>(
  "queue.lock-late",
  `SELECT ${ITEM_COLUMNS} FROM queue_items i WHERE i.queue = $1 AND i.ready_at_ms > $2 AND i.owner IS NULL
   ORDER BY i.queue, i.key FOR UPDATE`,
);
/** Passes over what another daemon is working on: it is about to claim it, or to change it. */
const lockReady = new Statement<[string, number, number], Item>(
  "queue.lock-ready",
  `SELECT ${ITEM_COLUMNS} FROM queue_items i WHERE i.queue = $1 AND i.ready_at_ms <= $2
   ORDER BY i.ready_at_ms, i.id LIMIT $3 FOR UPDATE SKIP LOCKED`,
);
const drawNumbers = new Statement<[number], { number: number }>(
  "queue.draw-numbers",
  "SELECT nextval('queue_numbers') AS number FROM generate_series(1, $1)",
);

/** An item that waits to be written; `json` is null when the payload stays what it was. */
type Written = Omit<Item, "json"> & { readonly json: string | null };

const NAMES = `
  queue, key, payload, due_at_ms, ready_at_ms, again_at_ms, attempts, token, owner, last_error, buried_no`;
const COLUMNS = `
  unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::text[], $10::text[], $11::bigint[]) AS w (${NAMES})`;
const fieldsOf = (item: Written) => [
  ...[item.queue, item.key, item.json, item.dueAtMs, item.readyAtMs, item.againAtMs],
  ...[item.attempts, item.token, item.owner, item.lastError, item.buriedNo],
];
/** Numbered in the order of arrival, then added in the order in which every daemon adds: no two wait for each other. */
const add = new BulkStatement<Written>(
  "queue.add",
  `INSERT INTO queue_items (id, ${NAMES})
   SELECT * FROM (SELECT nextval('queue_item_ids'), w.* FROM ${COLUMNS}) AS numbered
   ORDER BY queue COLLATE "C", key COLLATE "C"`,
  fieldsOf,
);
const update = new BulkStatement<Written>(
  "queue.update",
  `UPDATE queue_items i
   SET payload = coalesce(w.payload, i.payload), due_at_ms = w.due_at_ms, ready_at_ms = w.ready_at_ms,
     again_at_ms = w.again_at_ms, attempts = w.attempts, token = w.token, owner = w.owner,
     last_error = w.last_error, buried_no = w.buried_no
   FROM ${COLUMNS} WHERE i.queue = w.queue AND i.key = w.key`,
  fieldsOf,
);
const remove = new BulkStatement<Item>(
  "queue.remove",
  `DELETE FROM queue_items i USING unnest($1::text[], $2::text[]) AS w (queue, key)
   WHERE i.queue = w.queue AND i.key = w.key`,
  ({ queue, key }) => [queue, key],
);

/** A claim operation draws one number, and its items' tokens from the block that begins there. */
export const TOKENS_PER_CLAIM = 1024;

/** The items of a flush: those its operations name, those of the owners they name, and those a claim may take. */
export class QueueDraft {
  readonly #wanted = new Map<string, { queue: string; key: string }>();
  readonly #owners = new Set<string>();
  readonly #claims = new Map<string, { nowMs: number; limit: number }>();
  /** Queue -> the earliest of the times that items of it may be too late for. */
  readonly #late = new Map<string, number>();
  readonly #items = new Draft<Item>();
  readonly #numbers: number[] = [];
  #numbersWanted = 0;

  want({ queue, key }: { queue: string; key: string }): void {
    this.#wanted.set(pairKey(queue, key), { queue, key });
  }

  wantOwner(owner: string): void {
    this.#owners.add(owner);
  }

  wantClaim({ queue, nowMs, limit }: ClaimOp): void {
    const other = this.#claims.get(queue) ?? { nowMs, limit: 0 };
    this.#claims.set(queue, {
      nowMs: Math.max(nowMs, other.nowMs),
      limit: Math.min(limit, TOKENS_PER_CLAIM) + other.limit,
    });
    this.#numbersWanted += 1;
  }

  wantLate({ queue, laterThanMs }: HastenOp): void {
    this.#late.set(queue, Math.min(laterThanMs, this.#late.get(queue) ?? laterThanMs));
  }

  /** For what takes a number of its own: a burial, the claim of one item. */
  wantNumbered(item: { queue: string; key: string }): void {
    this.want(item);
    this.#numbersWanted += 1;
  }

  get isWanting(): boolean {
    const wanted = [this.#wanted, this.#owners, this.#claims, this.#late];
    return this.#numbersWanted > 0 || wanted.some(({ size }) => size > 0);
  }

  async load(session: Session): Promise<void> {
    const [numbers, ...items] = await Promise.all([
      this.#numbersWanted > 0 ? drawNumbers.run(session, this.#numbersWanted) : [],
      ...this.#lock(session),
    ]);
    for (const { number } of numbers) this.#numbers.push(number);
    for (const item of items.flat()) this.#items.load(pairKey(item.queue, item.key), item);
  }

  enqueue(op: EncodedEnqueue): void {
    const key = pairKey(op.queue, op.key);
    this.#items.put(key, enqueue(this.#items.get(key), op));
  }

  claim({ queue, owner, nowMs, leaseMs, limit }: ClaimOp): QueueItem[] {
    const firstToken = this.#drawNumber() * TOKENS_PER_CLAIM;
    return this.#ready(queue, nowMs)
      .slice(0, Math.min(limit, TOKENS_PER_CLAIM))
      .map((item, index) => {
        const claimed = claim(item, owner, firstToken + index, nowMs + leaseMs);
        this.#replace(item, claimed);
        return queueItem(claimed);
      });
  }

  claimItem({ queue, key, owner, nowMs, leaseMs }: ClaimItemOp): QueueItem[] {
    const token = this.#drawNumber() * TOKENS_PER_CLAIM;
    const item = this.#items.get(pairKey(queue, key));
    if (item === undefined || item.buriedNo !== null || item.readyAtMs > nowMs) return [];
    const claimed = claim(item, owner, token, nowMs + leaseMs);
    this.#replace(item, claimed);
    return [queueItem(claimed)];
  }

  isClaimed(op: CheckClaimOp): boolean {
    return this.#claimed(op) !== undefined;
  }

  /** False when the claim is no longer this one; so are `retry` and `bury`. */
  complete(op: CompleteOp): boolean {
    const item = this.#claimed(op);
    if (item === undefined) return false;
    this.#replace(item, complete(item));
    return true;
  }

  retry(op: RetryOp): boolean {
    const item = this.#claimed(op);
    if (item === undefined) return false;
    this.#replace(item, retry(item, op));
    return true;
  }

  bury(op: BuryOp): boolean {
    const item = this.#claimed(op);
    if (item === undefined) return false;
    this.#replace(item, bury(item, op.error, this.#drawNumber()));
    return true;
  }

  renewOwner(op: RenewOwnerOp): void {
    for (const item of this.#claimedBy(op.owner)) this.#replace(item, renew(item, op));
  }

  releaseOwner(owner: string): void {
    for (const item of this.#claimedBy(owner)) this.#replace(item, release(item));
  }

  releaseLost({ queue, owner, heldTokens }: ReleaseLostOp): void {
    const held = new Set(heldTokens);
    for (const item of this.#claimedBy(owner)) {
      if (item.queue === queue && !held.has(item.token)) this.#replace(item, release(item));
    }
  }

  hasten({ queue, laterThanMs, dueAtMs }: HastenOp): void {
    for (const item of this.#items.rows()) {
      const isLate = item.owner === null && item.buriedNo === null && item.readyAtMs > laterThanMs;
      if (item.queue === queue && isLate) this.#replace(item, hasten(item, dueAtMs));
    }
  }

  accept(): void {
    this.#items.accept();
  }

  revert(): void {
    this.#items.revert();
  }

  async write(session: Session): Promise<void> {
    const { added, updated, removed } = this.#items.changes();
    await Promise.all([
      add.run(session, added),
      update.run(
        session,
        updated.map(({ before, now }) => ({ ...now, json: now.json === before.json ? null : now.json })),
      ),
      remove.run(session, removed),
    ]);
  }

  /** Those that are passed over while others hold them come last: they are the ones that are never waited for. */
  #lock(session: Session): Promise<Item[]>[] {
    const locks: Promise<Item[]>[] = [];
    const named = [...this.#wanted.values()];
    const queues = named.map(({ queue }) => queue);
    const keys = named.map(({ key }) => key);
    if (named.length > 0) locks.push(lockNamed.run(session, queues, keys));
    if (this.#owners.size > 0) locks.push(lockOwned.run(session, [...this.#owners]));
    for (const [queue, laterThanMs] of this.#late) locks.push(lockLate.run(session, queue, laterThanMs));
    // The named ones are on top of the limit: when it comes to the claim they may not be ready any more.
    for (const [queue, { nowMs, limit }] of this.#claims)
      locks.push(lockReady.run(session, queue, nowMs, limit + named.length));
    return locks;
  }

  /** Whoever is longest ready comes first, then whoever arrived first. */
  #ready(queue: string, nowMs: number): (WaitingItem | ClaimedItem)[] {
    const arrival = ({ id }: Item) => id ?? Number.MAX_SAFE_INTEGER;
    return this.#items
      .rows()
      .filter((item) => item.buriedNo === null)
      .filter((item) => item.queue === queue && item.readyAtMs <= nowMs)
      .sort((a, b) => a.readyAtMs - b.readyAtMs || arrival(a) - arrival(b));
  }

  #claimed({ queue, key, token }: { queue: string; key: string; token: number }): ClaimedItem | undefined {
    const item = this.#items.get(pairKey(queue, key));
    return item !== undefined && item.owner !== null && item.token === token ? item : undefined;
  }

  #claimedBy(owner: string): ClaimedItem[] {
    return this.#items.rows().filter((item): item is ClaimedItem => item.owner === owner);
  }

  #replace(item: Item, next: Item | undefined): void {
    const key = pairKey(item.queue, item.key);
    if (next === undefined) this.#items.remove(key);
    else this.#items.put(key, next);
  }

  #drawNumber(): number {
    const number = this.#numbers.shift();
    if (number === undefined)
      throw new StoreError("corrupt", "the server drew fewer numbers than it was asked for");
    return number;
  }
}
