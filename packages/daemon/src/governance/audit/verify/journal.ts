import type { AuditKey } from "@kheish/contract";
import type { StoredEvent } from "../../../kernel/store.ts";
import type { Anchor } from "../anchor.ts";
import { ANCHOR_STREAM } from "../anchors.ts";
import { flawOfActions, flawOfCheckpoint, type KnownKeys } from "../chain.ts";
import { flawOfAnchor } from "../cover.ts";
import { flawOfKeyRecord } from "../keys/key-record.ts";
import { KEY_STREAM } from "../keys/ring.ts";
import { Verifier } from "../keys/signer.ts";
import { BUCKET_STREAM_PREFIX, type ChainPoint, checkpointOf, pointAfter } from "../stored.ts";

export interface JournalReport {
  ok: boolean;
  records: number;
  buckets: number;
  anchors: number;
  keys: number;
  /** The current one; absent when nothing was ever signed. */
  key_id?: string;
  /** Written after the last anchor: chained, not yet signed. */
  unsigned_buckets: number;
  /** The first ones. */
  findings: string[];
}

const MOST_FINDINGS = 100;

interface Place extends Required<ChainPoint> {
  position: number;
}

/**
 * Verifies the ledger of a whole journal, event by event in its order, without a store: that the keys follow one another,
 * every chain goes through, and the anchors signed for what is there.
 */
export class JournalCheck {
  readonly #verifier = new Verifier();
  readonly #ring: AuditKey[] = [];
  readonly #known: KnownKeys = {
    verifier: this.#verifier,
    has: (keyId) => this.#ring.some(({ key_id }) => key_id === keyId),
  };
  readonly #ends = new Map<string, Required<ChainPoint>>();
  /** Where buckets stood after each of their events that no anchor covers yet. */
  readonly #moved = new Map<string, Place[]>();
  readonly #damaged = new Set<string>();
  readonly #findings: string[] = [];
  #anchor: Anchor | undefined;
  #records = 0;

  add(event: StoredEvent): void {
    if (event.stream === KEY_STREAM) this.#onKey(event.data as unknown as AuditKey);
    else if (event.stream === ANCHOR_STREAM) this.#onAnchor(event.data as unknown as Anchor);
    else if (event.stream.startsWith(BUCKET_STREAM_PREFIX)) this.#onBucket(event);
  }

  finish(): JournalReport {
    const key = this.#ring.at(-1);
    return {
      ok: this.#findings.length === 0,
      records: this.#records,
      buckets: this.#ends.size,
      anchors: this.#anchor?.number ?? 0,
      keys: this.#ring.length,
      ...(key === undefined ? {} : { key_id: key.key_id }),
      unsigned_buckets: this.#moved.size,
      findings: this.#findings,
    };
  }

  #find(flaw: string | undefined): void {
    if (flaw !== undefined && this.#findings.length < MOST_FINDINGS) this.#findings.push(flaw);
  }

  #onKey(key: AuditKey): void {
    this.#find(flawOfKeyRecord(key, this.#ring.at(-1), this.#verifier));
    this.#ring.push(key);
  }

  #onBucket(event: StoredEvent): void {
    const bucket = event.stream.slice(BUCKET_STREAM_PREFIX.length);
    const before: ChainPoint = this.#ends.get(bucket) ?? { count: 0 };
    const isCheckpoint = event.type === "checkpoint";
    const flaw = isCheckpoint
      ? flawOfCheckpoint(bucket, checkpointOf(event), before, this.#known)
      : flawOfActions(event, before);
    if (flaw !== undefined) this.#damage(bucket, flaw);
    const after = pointAfter(event);
    this.#ends.set(bucket, after);
    if (!isCheckpoint) this.#records += after.count - before.count;
    const places = this.#moved.get(bucket);
    const place = { ...after, position: event.position };
    if (places === undefined) this.#moved.set(bucket, [place]);
    else places.push(place);
  }

  /** One finding a bucket: what follows a damaged record does not fit either. */
  #damage(bucket: string, flaw: string): void {
    if (this.#damaged.has(bucket)) return;
    this.#damaged.add(bucket);
    this.#find(`'${bucket}': ${flaw}`);
  }

  #onAnchor(anchor: Anchor): void {
    const last = this.#anchor;
    const { number } = anchor;
    if (number !== (last?.number ?? 0) + 1 || anchor.prev_hash !== last?.anchor_hash)
      this.#find(`anchor ${number} does not follow anchor ${last?.number ?? 0}`);
    this.#find(flawOfAnchor(anchor, this.#known));
    this.#anchor = anchor;
    const heads = new Map(anchor.heads.map(([bucket, count, hash]) => [bucket, { count, hash }]));
    for (const [bucket, places] of this.#moved) {
      const covered = places.findLastIndex(({ position }) => position <= anchor.position);
      if (covered === -1) continue;
      this.#compare(bucket, number, places[covered], heads.get(bucket));
      heads.delete(bucket);
      places.splice(0, covered + 1);
      if (places.length === 0) this.#moved.delete(bucket);
    }
    for (const [bucket, head] of heads) this.#compare(bucket, number, this.#ends.get(bucket), head);
  }

  #compare(
    bucket: string,
    anchor: number,
    found: Required<ChainPoint> | undefined,
    signed: Required<ChainPoint> | undefined,
  ): void {
    if (found?.count === signed?.count && found?.hash === signed?.hash) return;
    this.#damage(
      bucket,
      `it has ${found?.count ?? 0} records where anchor ${anchor} signed ${signed?.count ?? 0}, or other ones`,
    );
  }
}
