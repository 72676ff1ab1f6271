import { RecentMap } from "../../kernel/recent-map.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import { AuditDamage, followChain } from "./chain.ts";
import { type AnchorPorts, signedCount } from "./cover.ts";
import { BUCKET_KIND, bucketStream, type ChainPoint, checkpointOf } from "./stored.ts";

/** Where a bucket's stream and its chain end. */
export interface BucketHead extends ChainPoint {
  seq: number;
  /** Records since the last checkpoint. */
  inSegment: number;
}

const MOST_BUCKETS = 4_096;
const PAGE = 128;

/** Where a bucket begins. */
const NOWHERE: BucketHead = { seq: 0, count: 0, inSegment: 0 };

/**
 * The ends of the chains that were written to last. A bucket is verified at its first use: from its last checkpoint on,
 * which speaks for what is before it, and as far as the anchors have come, by what they signed (02-R78, weakness 11).
 *
 * The bucket of a run that has only begun is taken for a new one without a look into the store: the guards of the commit
 * say when it is not, and then it is read and verified before anything is written.
 */
export class BucketHeads {
  readonly #ports: AnchorPorts;
  readonly #known = new RecentMap<BucketHead>(MOST_BUCKETS);
  /** Buckets that have to be read: a commit said that they are not what they were taken for. */
  readonly #doubted = new RecentMap<true>(MOST_BUCKETS);

  constructor(ports: AnchorPorts) {
    this.#ports = ports;
  }

  /** Where a chain is gone on with. Throws `AuditDamage` when the bucket does not verify. */
  async get(bucket: string, begins: boolean): Promise<BucketHead> {
    const known = this.#known.get(bucket);
    if (known !== undefined) return known;
    return begins && this.#doubted.get(bucket) === undefined ? NOWHERE : this.verify(bucket);
  }

  set(bucket: string, head: BucketHead): void {
    this.#doubted.delete(bucket);
    this.#known.set(bucket, head);
  }

  forget(bucket: string): void {
    this.#doubted.set(bucket, true);
    this.#known.delete(bucket);
  }

  /**
   * Reads the bucket. Throws `AuditDamage`. What says that something must be there is read before what is there: another
   * daemon may begin the bucket at this very time.
   */
  async verify(bucket: string): Promise<BucketHead> {
    const { store, keys, lastAnchor } = this.#ports;
    const [anchor, known] = await Promise.all([lastAnchor(), store.get(BUCKET_KIND, bucket)]);
    const segment = await this.#lastSegment(bucket);
    const [first] = segment;
    if (first === undefined) {
      if (known !== undefined) throw new AuditDamage(bucket, "it was written to, and its records are gone");
      return NOWHERE;
    }
    const sealed = first.type === "checkpoint" ? checkpointOf(first) : undefined;
    const from: ChainPoint = {
      count: sealed?.record_count ?? 0,
      ...(sealed?.last_record_hash === undefined ? {} : { hash: sealed.last_record_hash }),
    };
    const end = followChain(bucket, from, segment, keys);
    await signedCount(this.#ports, bucket, segment, anchor);
    return { ...end, seq: segment.at(-1)?.seq ?? 0, inSegment: end.count - from.count };
  }

  /** The events from the last checkpoint on, or all of them. */
  async #lastSegment(bucket: string): Promise<StoredEvent[]> {
    const newestFirst: StoredEvent[] = [];
    for (;;) {
      const before = newestFirst.at(-1)?.seq;
      if (before === 1) break;
      const page = await this.#ports.store.readStream(bucketStream(bucket), {
        reverse: true,
        limit: PAGE,
        ...(before === undefined ? {} : { toSeq: before - 1 }),
      });
      const sealed = page.findIndex(({ type }) => type === "checkpoint");
      newestFirst.push(...(sealed === -1 ? page : page.slice(0, sealed + 1)));
      if (sealed !== -1 || page.length < PAGE) break;
    }
    return newestFirst.reverse();
  }
}
