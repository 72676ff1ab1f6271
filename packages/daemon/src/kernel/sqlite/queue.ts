import type { DatabaseSync } from "node:sqlite";
import type { Json } from "@kheish/contract";
import type {
  CheckClaimOp,
  ClaimItemOp,
  ClaimOp,
  HastenOp,
  QueueItem,
  ReleaseLostOp,
  RetryOp,
} from "../store.ts";
import { limit, Query } from "./query.ts";
import type { Sequences } from "./sequences.ts";

type LetterRow = {
  queue: string;
  key: string;
  payload: string;
  due_at_ms: number;
  attempts: number;
  last_error: string | null;
};
type ItemRow = LetterRow & { token: number; owner: string | null };

const LETTER = "queue, key, payload, due_at_ms, attempts, last_error";
const ITEM = `${LETTER}, token, owner`;
/** An unclaimed item has token 0, and nobody completes it by saying so. */
const CLAIMED = "queue = ?1 AND key = ?2 AND token = ?3 AND owner IS NOT NULL";
const UNCLAIMED = "token = 0, owner = NULL, again_at_ms = NULL";

/**
 * An item is unclaimed (`owner` is null, ready when due), claimed (ready when its lease runs out),
 * or claimed and enqueued again (`again_at_ms` says when that is due). A dead letter is in a table of its own.
 */
export class Queue {
  readonly #sequences: Sequences;
  readonly #enqueue;
  readonly #revive;
  readonly #ready;
  readonly #readyItem;
  readonly #claim;
  readonly #remove;
  readonly #startAnew;
  readonly #retry;
  readonly #bury;
  readonly #renewOwner;
  readonly #releaseOwner;
  readonly #releaseLost;
  readonly #hasten;
  readonly #nextReady;
  readonly #find;
  readonly #letters;

  constructor(db: DatabaseSync, sequences: Sequences) {
    this.#sequences = sequences;
    this.#enqueue = new Query<[string, string, string, number]>(
      db,
      `INSERT INTO queue_items (queue, key, payload, due_at_ms, ready_at_ms, attempts, token)
       VALUES (?1, ?2, ?3, ?4, ?4, 0, 0)
       ON CONFLICT (queue, key) DO UPDATE SET
         payload = ?3,
         due_at_ms = iif(owner IS NULL, min(due_at_ms, ?4), due_at_ms),
         ready_at_ms = iif(owner IS NULL, min(ready_at_ms, ?4), ready_at_ms),
         again_at_ms = iif(owner IS NULL, NULL, min(coalesce(again_at_ms, ?4), ?4))`,
    );
    this.#revive = new Query<[string, string]>(db, "DELETE FROM dead_letters WHERE queue = ? AND key = ?");
    this.#ready = new Query<[string, number, number], ItemRow & { rowid: number }>(
      db,
      `SELECT rowid, ${ITEM} FROM queue_items WHERE queue = ? AND ready_at_ms <= ? ORDER BY ready_at_ms ${limit()}`,
    );
    this.#readyItem = new Query<[string, string, number], ItemRow & { rowid: number }>(
      db,
      `SELECT rowid, ${ITEM} FROM queue_items WHERE queue = ? AND key = ? AND ready_at_ms <= ?`,
    );
    this.#claim = new Query<[number, string, number, number]>(
      db,
      `UPDATE queue_items SET owner = ?2, token = ?3, ready_at_ms = ?4, again_at_ms = NULL, attempts = attempts + 1
       WHERE rowid = ?1`,
    );
    this.#remove = new Query<[string, string, number]>(
      db,
      `DELETE FROM queue_items WHERE ${CLAIMED} AND again_at_ms IS NULL`,
    );
    this.#startAnew = new Query<[string, string, number]>(
      db,
      `UPDATE queue_items SET due_at_ms = again_at_ms, ready_at_ms = again_at_ms, attempts = 0, last_error = NULL,
         ${UNCLAIMED}
       WHERE ${CLAIMED} AND again_at_ms IS NOT NULL`,
    );
    this.#retry = new Query<[string, string, number, number, string | null, number]>(
      db,
      `UPDATE queue_items SET
         due_at_ms = min(?4, coalesce(again_at_ms, ?4)),
         ready_at_ms = min(?4, coalesce(again_at_ms, ?4)),
         last_error = ?5, attempts = iif(?6, 0, attempts), ${UNCLAIMED}
       WHERE ${CLAIMED}`,
    );
    this.#bury = new Query<[string, string, number, string]>(
      db,
      `INSERT INTO dead_letters (queue, key, payload, due_at_ms, attempts, last_error)
       SELECT queue, key, payload, due_at_ms, attempts, ?4 FROM queue_items
       WHERE ${CLAIMED} AND again_at_ms IS NULL`,
    );
    this.#renewOwner = new Query<[string, number, number]>(
      db,
      "UPDATE queue_items SET ready_at_ms = max(ready_at_ms, ?3) WHERE owner = ?1 AND ready_at_ms > ?2",
    );
    this.#releaseOwner = new Query<[string]>(
      db,
      `UPDATE queue_items SET ready_at_ms = due_at_ms, ${UNCLAIMED} WHERE owner = ?`,
    );
    this.#releaseLost = new Query<[string, string, string]>(
      db,
      `UPDATE queue_items SET ready_at_ms = due_at_ms, ${UNCLAIMED}
       WHERE queue = ? AND owner = ? AND token NOT IN (SELECT value FROM json_each(?))`,
    );
    this.#hasten = new Query<[string, number, number]>(
      db,
      `UPDATE queue_items SET due_at_ms = ?3, ready_at_ms = ?3
       WHERE queue = ?1 AND ready_at_ms > ?2 AND owner IS NULL`,
    );
    this.#nextReady = new Query<[string], { at_ms: number | null }>(
      db,
      "SELECT min(ready_at_ms) AS at_ms FROM queue_items WHERE queue = ?",
    );
    this.#find = new Query<[string, string], ItemRow>(
      db,
      `SELECT ${ITEM} FROM queue_items WHERE queue = ? AND key = ?`,
    );
    this.#letters = new Query<[string, number], LetterRow>(
      db,
      `SELECT ${LETTER} FROM dead_letters WHERE queue = ? ORDER BY id ${limit()}`,
    );
  }

  enqueue(queue: string, key: string, dueAtMs: number, payload: string): void {
    this.#revive.run(queue, key);
    this.#enqueue.run(queue, key, payload, dueAtMs);
  }

  claim(op: ClaimOp): QueueItem[] {
    return this.#ready.all(op.queue, op.nowMs, op.limit).map((row) => this.#take(row, op));
  }

  claimItem(op: ClaimItemOp): QueueItem[] {
    return this.#readyItem.all(op.queue, op.key, op.nowMs).map((row) => this.#take(row, op));
  }

  isClaimed({ queue, key, token }: CheckClaimOp): boolean {
    const item = this.#find.get(queue, key);
    return item !== undefined && item.owner !== null && item.token === token;
  }

  /** False when the claim is no longer this one; so are `retry` and `bury`. */
  complete(queue: string, key: string, token: number): boolean {
    return this.#remove.run(queue, key, token) === 1 || this.#startAnew.run(queue, key, token) === 1;
  }

  retry({ queue, key, token, dueAtMs, error, resetAttempts }: RetryOp): boolean {
    return this.#retry.run(queue, key, token, dueAtMs, error ?? null, resetAttempts ? 1 : 0) === 1;
  }

  bury(queue: string, key: string, token: number, error: string): boolean {
    this.#bury.run(queue, key, token, error);
    return this.complete(queue, key, token);
  }

  renewOwner(owner: string, nowMs: number, leaseMs: number): void {
    this.#renewOwner.run(owner, nowMs, nowMs + leaseMs);
  }

  releaseOwner(owner: string): void {
    this.#releaseOwner.run(owner);
  }

  releaseLost({ queue, owner, heldTokens }: ReleaseLostOp): void {
    this.#releaseLost.run(queue, owner, JSON.stringify(heldTokens));
  }

  hasten({ queue, laterThanMs, dueAtMs }: HastenOp): void {
    this.#hasten.run(queue, laterThanMs, dueAtMs);
  }

  nextDueAt(queue: string): number | undefined {
    return this.#nextReady.get(queue)?.at_ms ?? undefined;
  }

  get(queue: string, key: string): QueueItem | undefined {
    const row = this.#find.get(queue, key);
    return row && queueItem(row);
  }

  deadLetters(queue: string, limit: number): QueueItem[] {
    return this.#letters.all(queue, limit).map((row) => queueItem({ ...row, token: 0, owner: null }));
  }

  #take(row: ItemRow & { rowid: number }, { owner, nowMs, leaseMs }: ClaimOp | ClaimItemOp): QueueItem {
    const token = this.#sequences.nextToken();
    this.#claim.run(row.rowid, owner, token, nowMs + leaseMs);
    return queueItem({ ...row, owner, token, attempts: row.attempts + 1 });
  }
}

function queueItem(row: ItemRow): QueueItem {
  return {
    queue: row.queue,
    key: row.key,
    payload: JSON.parse(row.payload) as Json,
    dueAtMs: row.due_at_ms,
    attempts: row.attempts,
    token: row.token,
    ...(row.owner !== null && { owner: row.owner }),
    ...(row.last_error !== null && { lastError: row.last_error }),
  };
}
