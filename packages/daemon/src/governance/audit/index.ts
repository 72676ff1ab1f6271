import type {
  AuditExportPage,
  AuditExportQuery,
  AuditKey,
  AuditKeyRing,
  AuditStatus,
} from "@kheish/contract";
import { problem } from "@kheish/contract";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import type { Anchor } from "./anchor.ts";
import { AuditAnchors, lastAnchor } from "./anchors.ts";
import { AuditDamage, type KnownKeys } from "./chain.ts";
import type { AnchorPorts } from "./cover.ts";
import { AuditExporter } from "./export/exporter.ts";
import { adoptKey, KEY_STREAM, placeOf, type RingKeys, readRing } from "./keys/ring.ts";
import { type Signer, Verifier } from "./keys/signer.ts";
import { AuditLedger } from "./ledger.ts";
import { type ReadBucket, readBucket } from "./read.ts";
import { bucketOf } from "./record.ts";

export { auditedFetch } from "./audited-fetch.ts";
export { loadSigningKeys, SHARED_KEY_KIND } from "./keys/load.ts";
export { AuditKeyError } from "./keys/parse.ts";
export type { RingKeys } from "./keys/ring.ts";
export { createSigner, createSynchronousSigner, type Signer } from "./keys/signer.ts";
export { AuditLedger } from "./ledger.ts";
export { type ToldActions, toldActions } from "./told.ts";
export { JournalCheck, type JournalReport } from "./verify/journal.ts";

export interface AuditOptions {
  store: Store;
  clock: Clock;
  log: Log;
  keys: RingKeys;
  /** Records to a segment, lines to a page of an export: smaller ones for tests. */
  segmentRecords?: number;
  pageLines?: number;
}

/** The signed ledger of external actions with all that belongs to it. */
export class Audit {
  readonly ledger: AuditLedger;
  readonly #options: AuditOptions;
  readonly #anchors: AuditAnchors;
  readonly #exporter: AuditExporter;
  readonly #ring = new Set<string>();
  readonly #keys: KnownKeys;
  readonly #ports: AnchorPorts;
  /** Nothing is signed by itself, nothing is added to the key ring. */
  #holds = false;
  #begun: Promise<void> | undefined;
  #tail: JournalTail | undefined;

  constructor(options: AuditOptions) {
    const { store, clock, log, segmentRecords, pageLines } = options;
    const { signer } = options.keys;
    this.#options = options;
    this.#keys = { verifier: new Verifier(), has: (keyId) => this.#ring.has(keyId) };
    this.#ports = {
      store,
      keys: this.#keys,
      lastAnchor: async () => this.#anchors.last ?? lastAnchor(store),
    };
    const ports = { ...this.#ports, clock, signer, log };
    this.ledger = new AuditLedger({ ...ports, ...(segmentRecords === undefined ? {} : { segmentRecords }) });
    this.#anchors = new AuditAnchors({
      ...ports,
      onUnsigned: (error) => this.ledger.onUnsigned(error),
    });
    this.#exporter = new AuditExporter({
      ...ports,
      anchor: () => this.#anchorAll(),
      ...(pageLines === undefined ? {} : { pageLines }),
    });
  }

  /**
   * Before anything is audited. Throws `AuditKeyError` when the key is not one that the store knows (02-R81).
   * `holds`: for a restored copy that holds still. What its operators do is chained, and waits for its signature as the
   * copy waits for its release; no anchor is made, and a key that is new to the ring is not added to it. Twice is once.
   */
  begin({ holds }: { holds: boolean }): Promise<void> {
    this.#begun ??= this.#begin(holds);
    return this.#begun;
  }

  async #begin(holds: boolean): Promise<void> {
    const { store, clock, keys } = this.#options;
    this.#holds = holds;
    const ring = holds ? await readRing(store) : await adoptKey(store, clock, keys);
    placeOf(keys, ring.at(-1));
    this.#know(ring);
  }

  /** Once the tail follows the journal. What was left unsigned is verified now, and anchored soon. */
  async start(tail: JournalTail): Promise<void> {
    this.#tail = tail;
    // A daemon that came later may have brought a key of its own.
    tail.onEvent((event) => {
      if (event.stream === KEY_STREAM) this.#know([event.data as unknown as AuditKey]);
    });
    this.#know(await readRing(this.#options.store));
    await this.#anchors.start({ tail, holds: this.#holds });
    await this.ledger.verify(this.#anchors.unsigned);
  }

  /** Anchors what is left, so that a daemon at rest leaves nothing uncovered. */
  async stop(): Promise<void> {
    await this.#anchors.anchorNow();
    this.#anchors.stop();
  }

  /** A run's records, verified: all of them or the problem `audit/audit_verification_failed`. */
  async actionsOf(runId: string): Promise<ReadBucket> {
    const { signer } = this.#options.keys;
    this.#mustSign();
    try {
      return await readBucket({ ...this.#ports, signer }, bucketOf({ run_id: runId }));
    } catch (error) {
      if (!(error instanceof AuditDamage)) throw error;
      throw problem("audit", "audit_verification_failed", error.message);
    }
  }

  async exportPage(query: AuditExportQuery): Promise<AuditExportPage> {
    this.#mustSign();
    return this.#exporter.page(query);
  }

  async keyRing(): Promise<AuditKeyRing> {
    const { store, keys } = this.#options;
    const ring = await readRing(store);
    return { current_key_id: ring.at(-1)?.key_id ?? keys.signer.keyId, keys: ring };
  }

  async status(): Promise<AuditStatus> {
    const { last } = this.#anchors;
    return {
      ...(await this.ledger.status()),
      unsigned_bucket_count: this.#anchors.unsigned.length,
      ...(last === undefined
        ? {}
        : {
            anchored: {
              number: last.number,
              anchor_hash: last.anchor_hash,
              timestamp_ms: last.timestamp_ms,
            },
          }),
    };
  }

  #know(keys: readonly AuditKey[]): void {
    for (const { key_id: keyId } of keys) this.#ring.add(keyId);
  }

  /** Refuses what would be signed by a key that the ring does not know. */
  #mustSign(): void {
    const { keyId } = this.#options.keys.signer;
    if (this.#keys.has(keyId)) return;
    throw problem(
      "audit",
      "audit_unavailable",
      `this restored copy holds still and does not have the key that signed its audit: give it that key, or release the copy with key ${keyId}`,
    );
  }

  /** Everything that is written by now is read, then anchored. */
  async #anchorAll(): Promise<Anchor | undefined> {
    const tail = this.#tail;
    const head = await this.#options.store.head();
    while (tail?.isFollowing === true && tail.position < head)
      await tail.after(tail.position, new AbortController().signal);
    await this.#anchors.anchorNow();
    return this.#anchors.last;
  }
}

/**
 * The ledger of whoever changes a store on which no daemon runs: it chains what was done and has no key to sign it with.
 * The next daemon verifies it and anchors it.
 */
export async function keylessLedger(store: Store, clock: Clock, log: Log): Promise<AuditLedger> {
  const ring = new Set((await readRing(store)).map(({ key_id }) => key_id));
  const keys: KnownKeys = { verifier: new Verifier(), has: (keyId) => ring.has(keyId) };
  const signer: Signer = {
    keyId: "",
    sign: () => {
      throw new Error("there is no key to sign the audit with");
    },
  };
  return new AuditLedger({ store, clock, log, signer, keys, lastAnchor: () => lastAnchor(store) });
}
