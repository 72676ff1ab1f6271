import type { Json } from "@kheish/contract";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store, StoredEvent } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import { type Anchor, type AnchoredHead, signAnchor, type UnsignedAnchor } from "./anchor.ts";
import type { Signer } from "./keys/signer.ts";
import { BUCKET_STREAM_PREFIX, pointAfter } from "./stored.ts";

export const ANCHOR_STREAM = "audit-anchors";

export interface AnchorsOptions {
  store: Store;
  clock: Clock;
  signer: Signer;
  log: Log;
  /** Hears that the key did not sign, so that nothing more leaves that could not be signed for (02-R80). */
  onUnsigned: (error: unknown) => void;
}

/** How long a record may be the last of its bucket without an anchor that says so. */
const ANCHOR_AFTER_MS = 1_000;
/** That many buckets are anchored at once. */
const MOST_HEADS = 2_048;
const PAGE = 500;

/**
 * Anchors where the buckets stand, soon after they have moved. Whatever any daemon on the store wrote is seen in the
 * journal, so that each could do it and one does: the others find their anchor's number taken.
 */
export class AuditAnchors {
  readonly #options: AnchorsOptions;
  readonly #moved = new Map<string, { count: number; hash: string; position: number }>();
  #last: Anchor | undefined;
  #timer: Timer | undefined;
  #work: Promise<void> = Promise.resolve();
  #stopped = false;
  #holds = false;
  #tail: JournalTail | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(options: AnchorsOptions) {
    this.#options = options;
  }

  get last(): Anchor | undefined {
    return this.#last;
  }

  /** Buckets whose last records are chained and not yet signed. */
  get unsigned(): string[] {
    return [...this.#moved.keys()];
  }

  /**
   * Catches up with what was written after the last anchor; to be called when the tail has been started.
   * `holds`: makes no anchor, and leaves it all to who comes after.
   */
  async start({ tail, holds }: { tail: JournalTail; holds: boolean }): Promise<void> {
    const { store } = this.#options;
    this.#tail = tail;
    this.#holds = holds;
    this.#unsubscribe = tail.onEvent((event) => this.#see(event));
    const end = tail.position;
    this.#last = await lastAnchor(store);
    let position = this.#last?.position ?? 0;
    while (position < end) {
      const page = await store.readAll({ afterPosition: position, limit: PAGE });
      if (page.length === 0) break;
      for (const event of page) if (event.position <= end) this.#see(event);
      position = page.at(-1)?.position ?? end;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#unsubscribe();
  }

  /** Anchors what this daemon has seen move. */
  async anchorNow(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#work = this.#work.then(() => this.#anchor());
    return this.#work;
  }

  #see(event: StoredEvent): void {
    if (event.stream === ANCHOR_STREAM) {
      this.#onAnchor(event.data as unknown as Anchor);
      return;
    }
    if (!event.stream.startsWith(BUCKET_STREAM_PREFIX)) return;
    if (event.position <= (this.#last?.position ?? 0)) return;
    const bucket = event.stream.slice(BUCKET_STREAM_PREFIX.length);
    const known = this.#moved.get(bucket);
    if (known !== undefined && known.position >= event.position) return;
    this.#moved.set(bucket, { ...pointAfter(event), position: event.position });
    this.#plan();
  }

  /** Somebody's anchor: what it covers needs none. */
  #onAnchor(anchor: Anchor): void {
    if ((this.#last?.number ?? 0) >= anchor.number) return;
    this.#last = anchor;
    for (const [bucket, { position }] of this.#moved)
      if (position <= anchor.position) this.#moved.delete(bucket);
  }

  #plan(): void {
    if (this.#stopped || this.#holds) return;
    const full = this.#moved.size >= MOST_HEADS;
    if (this.#timer !== undefined && !full) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(full ? 0 : ANCHOR_AFTER_MS, () => void this.anchorNow());
  }

  async #anchor(): Promise<void> {
    const { store, clock, log } = this.#options;
    if (this.#holds || this.#moved.size === 0) return;
    const last = this.#last;
    // Of another daemon's anchor, this one's tail may not have come that far.
    const position = Math.max(this.#tail?.position ?? 0, last?.position ?? 0);
    const heads = [...this.#moved]
      .map(([bucket, { count, hash }]): AnchoredHead => [bucket, count, hash])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    try {
      const anchor = await this.#sign({
        number: (last?.number ?? 0) + 1,
        timestamp_ms: clock.now(),
        position,
        heads,
        ...(last === undefined ? {} : { prev_hash: last.anchor_hash }),
      });
      const result = await store.commit([
        {
          op: "append",
          stream: ANCHOR_STREAM,
          events: [{ type: "anchor", atMs: anchor.timestamp_ms, data: anchor as unknown as Json }],
          expectedSeq: last?.number ?? 0,
        },
      ]);
      if (result.ok) this.#onAnchor(anchor);
      else await this.#catchUp();
    } catch (error) {
      if (!this.#stopped) log.warn({ err: String(error) }, "anchoring the audit failed");
    }
    if (this.#moved.size > 0) this.#plan();
  }

  async #sign(anchor: UnsignedAnchor): Promise<Anchor> {
    try {
      return await signAnchor(this.#options.signer, anchor);
    } catch (error) {
      this.#options.onUnsigned(error);
      throw error;
    }
  }

  /** Another daemon was faster. */
  async #catchUp(): Promise<void> {
    const last = await lastAnchor(this.#options.store);
    if (last !== undefined) this.#onAnchor(last);
  }
}

export async function lastAnchor(store: Store): Promise<Anchor | undefined> {
  const [event] = await store.readStream(ANCHOR_STREAM, { reverse: true, limit: 1 });
  return event?.data as unknown as Anchor | undefined;
}

export async function anchorAt(store: Store, number: number): Promise<Anchor | undefined> {
  if (number < 1) return undefined;
  const [event] = await store.readStream(ANCHOR_STREAM, { afterSeq: number - 1, limit: 1 });
  return event?.data as unknown as Anchor | undefined;
}
