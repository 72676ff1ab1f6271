import type { AuditStatus } from "@kheish/contract";
import { problem } from "@kheish/contract";
import type { AdminChange, AuditPort, ExternalAction, SealedActions } from "../../engine/audit-port.ts";
import { AuditRefused } from "../../engine/audit-refused.ts";
import { ADMIN_CHANGE, adminAction } from "../../engine/external-actions.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import {
  type CommitOptions,
  type CommitResult,
  type NewEvent,
  type Op,
  StoreError,
} from "../../kernel/store.ts";
import { AuditDamage } from "./chain.ts";
import { SEGMENT_RECORDS, signCheckpoint } from "./checkpoint.ts";
import type { AnchorPorts } from "./cover.ts";
import { type BucketHead, BucketHeads } from "./heads.ts";
import type { Signer } from "./keys/signer.ts";
import { bucketOf } from "./record.ts";
import type { ActionScope } from "./rows.ts";
import { actionsEvent, BUCKET_KIND, bucketStream, chainActions, checkpointEvent, scopeOf } from "./stored.ts";

export interface LedgerOptions extends AnchorPorts {
  clock: Clock;
  signer: Signer;
  log: Log;
  /** Records to a segment; 1,024. */
  segmentRecords?: number;
}

/** A failing ledger is asked again at most this often. */
const PROBE_EVERY_MS = 1_000;
const MOST_DAMAGED = 64;
const MOST_ATTEMPTS = 50;
const TURN = "turn";
const NOTHING: SealedActions = { ops: [], landed: () => undefined, lost: () => undefined };

interface Trouble {
  sinceMs: number;
  askedMs: number;
  reason: string;
}

/**
 * The ledger of external actions. Records ride in the commit of what they account for: neither is ever without the
 * other, and no commit is made for them alone. A commit only chains its records; what signs them comes after it, once
 * for all (`AuditAnchors`). When the ledger cannot vouch for an action, the action is refused, its state says so, and it
 * is asked again until it can (02-R80, weakness 11).
 */
export class AuditLedger implements AuditPort {
  readonly #options: LedgerOptions;
  readonly #heads: BucketHeads;
  readonly #segmentRecords: number;
  /** Signing fails. */
  #failure: Trouble | undefined;
  /** The store failed with records in hand: their commits did not land, and neither did what they account for. */
  #unwritten: Trouble | undefined;
  readonly #turns = new KeyedMutex();
  readonly #damaged = new Map<string, Trouble>();
  #refused = 0;
  #unrecorded = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#heads = new BucketHeads(options);
    this.#segmentRecords = options.segmentRecords ?? SEGMENT_RECORDS;
  }

  async seal(actions: readonly ExternalAction[], atMs: number): Promise<SealedActions> {
    if (actions.length === 0) return NOTHING;
    const sealed: { ops: Op[]; bucket: string; head: BucketHead }[] = [];
    for (const [bucket, own] of Map.groupBy(actions, bucketOf)) {
      try {
        await this.#mustWork(bucket);
        sealed.push({ bucket, ...(await this.#sealBucket(bucket, own, atMs)) });
      } catch (error) {
        this.#onTrouble(bucket, own, error);
      }
    }
    return {
      ops: sealed.flatMap(({ ops }) => ops),
      landed: () => {
        for (const { bucket, head } of sealed) this.#heads.set(bucket, head);
        this.#unwritten = undefined;
      },
      lost: (error) => {
        for (const { bucket } of sealed) this.#heads.forget(bucket);
        if (error instanceof StoreError) this.#noteUnwritten(error);
      },
    };
  }

  /** A refusal is one of the change's own guards: races of the ledger with itself are gone through again. */
  async commitAdmin(
    ops: readonly Op[],
    admin: AdminChange | readonly AdminChange[],
    options: CommitOptions = {},
  ): Promise<CommitResult> {
    const changes = Array.isArray(admin) ? (admin as readonly AdminChange[]) : [admin as AdminChange];
    const actions = changes.map(adminAction);
    try {
      return await this.#commitInTurn(ops, actions, options);
    } catch (error) {
      throw error instanceof AuditRefused ? problem("audit", "audit_unavailable", error.message) : error;
    }
  }

  /** Records an action of no session by itself. Throws `AuditRefused` when it may not leave for want of a record. */
  async record(action: ExternalAction): Promise<void> {
    await this.#commitInTurn([], [action], {});
  }

  /** They all write to the bucket of nobody: in turn here, so that only other daemons are raced with. */
  #commitInTurn(
    ops: readonly Op[],
    actions: readonly ExternalAction[],
    options: CommitOptions,
  ): Promise<CommitResult> {
    return this.#turns.run(TURN, async () => {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const sealed = await this.seal(actions, this.#options.clock.now());
        const result = await this.#commit(ops, sealed, options);
        if (result.ok || result.op < ops.length) return result;
      }
      throw new AuditRefused("the ledger is written to too fast; try again");
    });
  }

  async #commit(ops: readonly Op[], sealed: SealedActions, options: CommitOptions): Promise<CommitResult> {
    try {
      const result = await this.#options.store.commit([...ops, ...sealed.ops], options);
      if (result.ok) sealed.landed();
      else sealed.lost();
      return result;
    } catch (error) {
      sealed.lost(error);
      throw error;
    }
  }

  /** The key did not sign: nothing more leaves until it does. */
  onUnsigned(error: unknown): void {
    this.#noteFailure(error instanceof Error ? error.message : String(error));
  }

  /** Verifies buckets that a daemon which is gone may have left unsigned. What does not verify is noted. */
  async verify(buckets: readonly string[]): Promise<void> {
    for (const bucket of buckets) {
      try {
        await this.#heads.verify(bucket);
      } catch (error) {
        if (!(error instanceof AuditDamage)) throw error;
        this.#note(bucket, error, error.message);
      }
    }
  }

  /** Asks a failing ledger again, so that the answer is of now. */
  async status(): Promise<Omit<AuditStatus, "anchored" | "unsigned_bucket_count">> {
    if (this.#failure !== undefined) await this.#probe().catch(() => undefined);
    if (this.#unwritten !== undefined) await this.#probeStore().catch(() => undefined);
    for (const bucket of this.#damaged.keys()) await this.#recheck(bucket).catch(() => undefined);
    const failure = this.#failure ?? this.#unwritten;
    return {
      ok: failure === undefined && this.#damaged.size === 0,
      key_id: this.#options.signer.keyId,
      ...(failure === undefined ? {} : { failure: { since_ms: failure.sinceMs, reason: failure.reason } }),
      damaged_buckets: [...this.#damaged].map(([bucket, { reason }]) => ({ bucket, reason })),
      refused_action_count: this.#refused,
      unrecorded_outcome_count: this.#unrecorded,
    };
  }

  async #sealBucket(
    bucket: string,
    actions: readonly ExternalAction[],
    atMs: number,
  ): Promise<{ ops: Op[]; head: BucketHead }> {
    const { signer, keys } = this.#options;
    const before = await this.#heads.get(bucket, actions[0]?.begins === true);
    const events: NewEvent[] = [];
    let head = before;
    for (const { scope, own } of byScope(actions)) {
      const { records, hash } = chainActions(head, scope, own, atMs);
      events.push(actionsEvent(atMs, { first: head.count + 1, scope, records }));
      const count = head.count + records.length;
      head = { seq: before.seq + events.length, count, hash, inSegment: head.inSegment + records.length };
      // A key that the ring does not know yet, of a copy that holds still, signs nothing.
      if (head.inSegment < this.#segmentRecords || !keys.has(signer.keyId)) continue;
      const checkpoint = await signCheckpoint(signer, {
        bucket,
        record_count: count,
        last_record_hash: hash,
      });
      events.push(checkpointEvent(atMs, checkpoint));
      head = { ...head, seq: before.seq + events.length, inSegment: 0 };
    }
    const append: Op = { op: "append", stream: bucketStream(bucket), events, expectedSeq: before.seq };
    return { ops: before.seq === 0 ? [append, bucketRecord(bucket, actions[0], atMs)] : [append], head };
  }

  /** What is about to leave is refused; what has left goes on without its record, and the state says so. */
  #onTrouble(bucket: string, actions: readonly ExternalAction[], error: unknown): void {
    // A store that does not answer now takes the commit with it; whoever makes it waits for the store.
    if (error instanceof StoreError && error.code !== "corrupt") {
      this.#noteUnwritten(error);
      throw error;
    }
    const reason = error instanceof Error ? error.message : String(error);
    this.#note(bucket, error, reason);
    if (!actions.some(mustBeVouchedFor)) {
      this.#unrecorded += actions.length;
      return;
    }
    this.#refused += actions.length;
    throw error instanceof AuditRefused ? error : new AuditRefused(reason);
  }

  #note(bucket: string, error: unknown, reason: string): void {
    if (error instanceof AuditRefused) return;
    const { clock, log } = this.#options;
    const now = clock.now();
    const isDamage = error instanceof AuditDamage;
    log.error(
      { bucket, err: reason },
      `the external-action audit ${isDamage ? "does not verify" : "cannot be written"}`,
    );
    if (!isDamage) this.#noteFailure(reason);
    else if (this.#damaged.size < MOST_DAMAGED)
      this.#damaged.set(bucket, { sinceMs: now, askedMs: now, reason });
  }

  #noteFailure(reason: string): void {
    const now = this.#options.clock.now();
    this.#failure ??= { sinceMs: now, askedMs: now, reason };
  }

  #noteUnwritten(error: StoreError): void {
    const now = this.#options.clock.now();
    this.#unwritten ??= { sinceMs: now, askedMs: now, reason: error.message };
  }

  async #mustWork(bucket: string): Promise<void> {
    if (this.#failure !== undefined) await this.#probe();
    if (this.#damaged.has(bucket)) await this.#recheck(bucket);
  }

  async #probeStore(): Promise<void> {
    const { store, clock } = this.#options;
    await store.commit([
      { op: "put", kind: "audit_probe", id: "write", data: { at_ms: clock.now() }, keys: {} },
    ]);
    this.#unwritten = undefined;
  }

  /** Whether signing works. */
  async #probe(): Promise<void> {
    const failure = this.#failure;
    if (failure === undefined) return;
    const { clock, signer, keys, log } = this.#options;
    if (clock.now() - failure.askedMs < PROBE_EVERY_MS) throw new AuditRefused(failure.reason);
    failure.askedMs = clock.now();
    const signature = await signer.sign("probe");
    if (!keys.verifier.isValid("probe", signer.keyId, signature)) throw new AuditRefused(failure.reason);
    this.#failure = undefined;
    log.info({}, "the external-action audit works again");
  }

  /** Whether a damaged bucket has been put right. */
  async #recheck(bucket: string): Promise<void> {
    const damage = this.#damaged.get(bucket);
    if (damage === undefined) return;
    const { clock, log } = this.#options;
    if (clock.now() - damage.askedMs < PROBE_EVERY_MS) throw new AuditRefused(damage.reason);
    damage.askedMs = clock.now();
    this.#heads.forget(bucket);
    await this.#heads.verify(bucket);
    this.#damaged.delete(bucket);
    log.info({ bucket }, "a damaged bucket of the external-action audit verifies again");
  }
}

/** What leaves, or gives somebody more than they had; not what has left already, nor what takes authority away. */
function mustBeVouchedFor({ phase, kind, withdraws }: ExternalAction): boolean {
  return phase === "request" || (kind === ADMIN_CHANGE && withdraws !== true);
}

/** Neighbours of one scope share an event. */
function byScope(actions: readonly ExternalAction[]): { scope: ActionScope; own: ExternalAction[] }[] {
  const groups: { key: string; scope: ActionScope; own: ExternalAction[] }[] = [];
  for (const action of actions) {
    const scope = scopeOf(action);
    const key = JSON.stringify(scope);
    const last = groups.at(-1);
    if (last?.key === key) last.own.push(action);
    else groups.push({ key, scope, own: [action] });
  }
  return groups;
}

/** Lists the bucket; written with its first record. */
function bucketRecord(bucket: string, action: ExternalAction | undefined, atMs: number): Op {
  const session = action?.session_id;
  return {
    op: "put",
    kind: BUCKET_KIND,
    id: bucket,
    expectedRevision: 0,
    data: { bucket, created_at_ms: atMs, ...(session === undefined ? {} : { session_id: session }) },
    keys: { id: [bucket], ...(session === undefined ? {} : { session: [session, bucket] }) },
  };
}
