import type { Json } from "@kheish/contract";

/**
 * The store port: five primitives and one verb.
 *
 * - journal: append-only streams; `seq` counts 1, 2, 3 … within a stream without gaps,
 *   `position` orders all events of the store and is what a tail resumes from
 * - records: JSON documents `(kind, id)` with a revision (1, 2, 3 …) and index keys
 * - queue: durable work items `(queue, key)`; a timer is an item that is due later
 * - leases: `(name, owner, token)`; the token only grows, so it fences stale owners
 * - blobs: content-addressed bytes (see `blobs.ts`)
 *
 * `commit` is the only write. All of its operations take effect, durably, or none does.
 * A refused guard is an answer, not an exception; exceptions mean that the store itself failed.
 *
 * Invariants every engine keeps (the conformance suite names them):
 *  K1 a resolved commit is on disk: it survives the death of process and machine
 *  K2 a commit is atomic; a refused one changes nothing, also when it shares a transaction with others
 *  K3 seqs of a stream have no gaps and are given inside the commit
 *  K4 a reader that has seen position p never later finds a new event at or below p
 *  K5 a record's revision grows by one per put or add; a guarded write lands only on the revision it named;
 *     of all additions that are made at once those land that fit below the limit, and no more
 *  K6 a lease's token grows with every acquisition; a commit under a stale token changes nothing
 *  K7 an item claimed by one owner is not claimed by another until it is released or its lease runs out
 */
export interface Store {
  readonly engine: "sqlite" | "postgres";
  /** Number of the newest applied migration. */
  readonly schemaVersion: number;

  commit(ops: readonly Op[], options?: CommitOptions): Promise<CommitResult>;

  /** Events of one stream in order. `afterSeq` and `afterPosition` are exclusive lower bounds. */
  readStream(stream: string, range?: StreamRange): Promise<StoredEvent[]>;
  /** The events of one stream that have these seqs, in order; those that are not there are left out. */
  readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]>;
  /** The last seq of a stream; 0 when it has no event. */
  streamHead(stream: string): Promise<number>;
  /** Events of all streams by position; what a tail reads (K4). */
  readAll(range: ReadAllRange): Promise<StoredEvent[]>;
  /** The newest position a reader may trust; 0 when the journal is empty. */
  head(): Promise<number>;
  /**
   * Calls `wake` soon after a commit brought news of this kind, here or elsewhere; where it is not known what news
   * there is, also without. It may only make a reader faster: a wake-up can get lost.
   */
  onCommit(news: News, wake: () => void): () => void;

  get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined>;
  /** The found ones, in no particular order. */
  getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]>;
  /** Records of a kind in the order of one of its index keys, then of their ids (by UTF-8 bytes). */
  list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]>;
  count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number>;

  /**
   * When a claim would next find something: the earliest due time of an unclaimed item or expiry of a claim.
   * Undefined when the queue is empty.
   */
  nextDueAt(queue: string): Promise<number | undefined>;
  /** A waiting or claimed item; a dead letter is no longer an item. */
  getItem(queue: string, key: string): Promise<QueueItem | undefined>;
  /** Items given up on, oldest first. */
  deadLetters(queue: string, limit: number): Promise<QueueItem[]>;

  /** The lease as it was last taken, be it expired; undefined once released. */
  getLease(name: string): Promise<Lease | undefined>;

  /** `count` fresh numbers of a named sequence; answers the first. Never given twice, growing across restarts. */
  reserveIds(sequence: string, count: number): Promise<number>;

  /** Bytes on disk, for status. */
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** What somebody may wait for: appended events, enqueued items. */
export type News = "events" | "items";

export interface CommitOptions {
  /** The commit is refused unless this lease is held with exactly this token (K6). */
  fence?: Fence;
}
export interface Fence {
  name: string;
  token: number;
}

export type Op =
  | AppendOp
  | PutOp
  | DeleteOp
  | CheckOp
  | AddOp
  | EnqueueOp
  | ClaimOp
  | ClaimItemOp
  | CheckClaimOp
  | CompleteOp
  | RetryOp
  | BuryOp
  | AcquireLeaseOp
  | ReleaseLeaseOp
  | RenewOwnerOp
  | ReleaseOwnerOp
  | ReleaseLostOp
  | HastenOp;

/** Appends in order. `expectedSeq` is the stream's last seq before the first of these events. */
export interface AppendOp {
  op: "append";
  stream: string;
  events: readonly NewEvent[];
  expectedSeq?: number;
}
export interface NewEvent {
  type: string;
  atMs: number;
  data: Json;
}

/** Index keys of a record: index name -> key parts. A record without a key for an index is not listed by it. */
export type IndexKeys = Readonly<Record<string, KeyParts>>;
/** Strings compare by UTF-8 bytes, numbers (non-negative safe integers) by value. Prefixes match whole parts. */
export type KeyParts = readonly (string | number)[];

/** `expectedRevision`: 0 = must not exist, n = must be at n, absent = whatever is there. */
export interface PutOp {
  op: "put";
  kind: string;
  id: string;
  data: Json;
  keys: IndexKeys;
  expectedRevision?: number;
}
export interface DeleteOp {
  op: "delete";
  kind: string;
  id: string;
  expectedRevision?: number;
}
/** A guard alone: refuses the commit unless the record is at this revision (0 = absent). */
export interface CheckOp {
  op: "check";
  kind: string;
  id: string;
  revision: number;
}
/**
 * Adds to the numbers of a record, which begins without any where there is none; refused (`over_limit`) when one of
 * them would come to stand above `atMost`. All of the record's data is such numbers, whole ones.
 * What many writers count together is a sum, and sums commute: two of them need not see each other's revision, and none
 * has to look again because another was there first. A put that is guarded by the revision would land one of a hundred.
 */
export interface AddOp {
  op: "add";
  kind: string;
  id: string;
  amounts: Readonly<Record<string, number>>;
  atMost?: Readonly<Record<string, number>>;
  keys: IndexKeys;
}

/**
 * Adds the item with 0 attempts, or makes a present one due at the earlier of both times with the new payload.
 * The enqueuer cannot know whether the item is claimed or given up on right now, so its wish outlives both:
 * - claimed: the running claim keeps its time; once it is completed or buried the item stays, at the enqueued
 *   time and as new; once it is retried the earlier of both times holds. A new claim has seen the new payload.
 * - dead: it is revived as new.
 */
export interface EnqueueOp {
  op: "enqueue";
  queue: string;
  key: string;
  dueAtMs: number;
  payload: Json;
}
/**
 * Claims up to `limit` items, longest due first: unclaimed ones that are due and claimed ones whose lease ran out.
 * Each claim counts one attempt, durably, before the work begins.
 */
export interface ClaimOp {
  op: "claim";
  queue: string;
  owner: string;
  nowMs: number;
  leaseMs: number;
  limit: number;
}
/** Claims this item, if a claim of its queue could have it now; else nothing. So whoever enqueues can be at work at once. */
export interface ClaimItemOp {
  op: "claim-item";
  queue: string;
  key: string;
  owner: string;
  nowMs: number;
  leaseMs: number;
}
/** A guard alone: refuses the commit unless the item is claimed with this token. */
export interface CheckClaimOp {
  op: "check-claim";
  queue: string;
  key: string;
  token: number;
}
/** Removes a claimed item; one that was enqueued again meanwhile stays, unclaimed. Guarded by the claim's token. */
export interface CompleteOp {
  op: "complete";
  queue: string;
  key: string;
  token: number;
}
/** Gives a claimed item back, due at `dueAtMs`. `resetAttempts` when progress was made. Guarded by the claim's token. */
export interface RetryOp {
  op: "retry";
  queue: string;
  key: string;
  token: number;
  dueAtMs: number;
  /** Becomes the item's `lastError`, which is that of the last attempt only. */
  error?: string;
  resetAttempts?: boolean;
}
/** Moves a claimed item to the dead letters, unless it was enqueued again meanwhile. Guarded by the claim's token. */
export interface BuryOp {
  op: "bury";
  queue: string;
  key: string;
  token: number;
  error: string;
}

/** Takes the lease when it is free, expired at `nowMs`, or already this owner's; the token grows each time. */
export interface AcquireLeaseOp {
  op: "acquire-lease";
  name: string;
  owner: string;
  nowMs: number;
  leaseMs: number;
}
/** Frees the lease; `stale_fence` unless it is held with exactly this token. */
export interface ReleaseLeaseOp {
  op: "release-lease";
  name: string;
  token: number;
}
/** Extends every lease and claim of the owner that is unexpired at `nowMs` to `nowMs + leaseMs`; shortens none. */
export interface RenewOwnerOp {
  op: "renew-owner";
  owner: string;
  nowMs: number;
  leaseMs: number;
}
/** Frees every lease and claim of an owner that is known to be dead; its items are due, attempts stay counted. */
export interface ReleaseOwnerOp {
  op: "release-owner";
  owner: string;
}
/**
 * Frees the owner's claims in a queue except those with these tokens: a claim whose answer never reached the owner
 * would be renewed with the others for as long as it lives, and nobody would work on its item.
 */
export interface ReleaseLostOp {
  op: "release-lost";
  queue: string;
  owner: string;
  heldTokens: readonly number[];
}

/**
 * Makes every unclaimed item of the queue that is due later than `laterThanMs` due at `dueAtMs`: where nothing is ever
 * due that late, a clock that was wrong has said so, and its items would lie there until the right one has caught up.
 */
export interface HastenOp {
  op: "hasten";
  queue: string;
  laterThanMs: number;
  dueAtMs: number;
}

export type CommitResult = Committed | Refused;

/** Each answer stands under the index of its operation; operations of other kinds have none. */
export interface Committed {
  ok: true;
  appended: Record<number, { firstSeq: number; lastSeq: number; lastPosition: number }>;
  revisions: Record<number, number>;
  claimed: Record<number, QueueItem[]>;
  leases: Record<number, Lease>;
}
export interface Refused {
  ok: false;
  reason: "stale_revision" | "stale_seq" | "stale_fence" | "stale_claim" | "lease_held" | "over_limit";
  /** Index of the operation whose guard tripped; -1 for the fence. */
  op: number;
}

export interface ReadAllRange {
  afterPosition: number;
  limit: number;
  /** The reader is woken by `onCommit`: what others have committed may be left to the wake-up that tells of it. */
  isFollowing?: boolean;
}

export interface StoredEvent {
  position: number;
  stream: string;
  seq: number;
  type: string;
  atMs: number;
  data: Json;
}
export interface StreamRange {
  afterSeq?: number;
  afterPosition?: number;
  /** Inclusive upper bound. */
  toSeq?: number;
  limit?: number;
  /** Newest first. */
  reverse?: boolean;
}
export interface StoredRecord<T extends Json = Json> {
  id: string;
  revision: number;
  data: T;
}
export interface ListedRecord<T extends Json = Json> extends StoredRecord<T> {
  /** The record's place in the index; pass it as `after` for the next page. */
  cursor: string;
}
export interface ListQuery {
  index: string;
  prefix?: KeyParts;
  /** Exclusive; a cursor of this index (`RangeError` when it is none). Valid also when that record is gone. */
  after?: string;
  limit: number;
  reverse?: boolean;
}
export interface QueueItem {
  queue: string;
  key: string;
  payload: Json;
  dueAtMs: number;
  attempts: number;
  /** Names this claim; 0 when unclaimed. */
  token: number;
  owner?: string;
  lastError?: string;
}
export interface Lease {
  name: string;
  owner: string;
  token: number;
  expiresAtMs: number;
}

/** The store answered something that its own invariants exclude, or cannot work at all. */
export class StoreError extends Error {
  readonly code: "corrupt" | "newer_schema" | "full" | "unavailable" | "locked";
  constructor(code: StoreError["code"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}
