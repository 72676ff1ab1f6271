import { type Clock, sleep, type Timer } from "./clock.ts";
import type { ClaimItemOp, Op, QueueItem, Store } from "./store.ts";

/**
 * How a handler leaves its item: done, due again, or closed by a commit of its own. `ops` are committed with it, and alone when the claim has passed to somebody else:
 * what this owner still holds for the item it gives up all the same.
 */
export type Settled =
  | { kind: "closed" }
  | { kind: "done"; ops?: readonly Op[] }
  | { kind: "retry"; dueAtMs: number; error?: string; resetAttempts?: boolean; ops?: readonly Op[] };

type Leaving = Exclude<Settled, { kind: "closed" }>;

export interface QueueWorkerOptions {
  store: Store;
  clock: Clock;
  queue: string;
  owner: string;
  leaseMs: number;
  /** Items in hand at one time. */
  concurrency: number;
  /**
   * Nothing in this queue is due later than this from now. What is all the same was written under a clock that was
   * wrong: it is looked for at the start and whenever the clock is set back. Absent: anything may be due at any time.
   */
  horizonMs?: number;
  /** A rejection gives the item back, due later. */
  handle: (item: QueueItem) => Promise<Settled>;
  onError: (item: QueueItem | undefined, error: unknown) => void;
}

/** A wake-up may be lost, the next poll is not. */
const POLL_MS = 1_000;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/**
 * Claims what is due from one queue and hands it to its handler.
 * Notifications and timers only say when to look; what is claimed is what the store says is due.
 */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #running = new Set<Promise<void>>();
  /** The claims in hand, by their tokens. */
  readonly #held = new Set<number>();
  /** Claims that a commit on its way may bring. */
  #offered = 0;
  #onNoOffers: () => void = () => undefined;
  /** The clock may have been ahead when items were given back. */
  #mayBeMisdated: boolean;
  #lastMs = 0;
  /** Until then a claim whose answer never came may be among those that the store has of this owner. */
  #doubtUntilMs = 0;
  #unsubscribe: () => void = () => undefined;
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = true;
  readonly #stopping = new AbortController();

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#mayBeMisdated = options.horizonMs !== undefined;
  }

  start(): void {
    this.#stopped = false;
    this.#unsubscribe = this.#options.store.onCommit("items", () => this.wake());
    this.wake();
  }

  /** Claims nothing more; resolves when what is in hand has been settled. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.#unsubscribe();
    this.#timer?.cancel();
    // A claim that is on its way may still bring something.
    await this.#pumping;
    if (this.#offered > 0) {
      await new Promise<void>((resolve) => {
        this.#onNoOffers = resolve;
      });
    }
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  /**
   * The claim of an item that a commit may carry which makes it due, so that nobody has to find it first; undefined
   * when there is no hand free for it. What came of it is told to `take`.
   */
  offer(key: string): ClaimItemOp | undefined {
    const { clock, queue, owner, leaseMs } = this.#options;
    const nowMs = clock.now();
    if (this.#stopped || this.#free <= 0 || nowMs < this.#doubtUntilMs) return undefined;
    this.#offered += 1;
    return { op: "claim-item", queue, key, owner, nowMs, leaseMs };
  }

  /** What the commit with an offer claimed; undefined when its outcome is unknown. */
  take(claimed: readonly QueueItem[] | undefined): void {
    this.#offered -= 1;
    if (claimed === undefined) {
      this.#doubtUntilMs = this.#options.clock.now() + this.#options.leaseMs;
      this.wake();
    }
    for (const item of claimed ?? []) this.#run(item);
    if (this.#offered === 0) this.#onNoOffers();
  }

  get #free(): number {
    return this.#options.concurrency - this.#running.size - this.#offered;
  }

  get inHand(): number {
    return this.#running.size;
  }

  wake(): void {
    if (this.#pumping !== undefined) this.#again = true;
    else if (!this.#stopped) {
      this.#pumping = this.#pump().finally(() => {
        this.#pumping = undefined;
      });
    }
  }

  async #pump(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#claim();
      } while (this.#again && !this.#stopped);
    } catch (error) {
      const { clock, leaseMs, onError } = this.#options;
      onError(undefined, error);
      this.#doubtUntilMs = clock.now() + leaseMs;
      this.#lookAgainIn(BACKOFF_MS);
    }
  }

  async #claim(): Promise<void> {
    const { store, clock, queue, owner, leaseMs } = this.#options;
    const free = this.#free;
    if (this.#stopped || free <= 0) return;
    const dueAt = await store.nextDueAt(queue);
    const nowMs = clock.now();
    const mends = this.#mends(nowMs);
    if (mends.length === 0 && (dueAt === undefined || dueAt > nowMs)) {
      this.#lookAgainIn(dueAt === undefined ? POLL_MS : Math.min(POLL_MS, dueAt - nowMs));
      return;
    }
    const result = await store.commit([...mends, { op: "claim", queue, owner, nowMs, leaseMs, limit: free }]);
    this.#mayBeMisdated = false;
    const items = result.ok ? (result.claimed[mends.length] ?? []) : [];
    for (const item of items) this.#run(item);
    if (items.length === free) this.#again = true;
    this.#lookAgainIn(POLL_MS);
  }

  /** What has to be put right before the next claim; nearly always nothing. */
  #mends(nowMs: number): Op[] {
    const { queue, owner, horizonMs } = this.#options;
    if (horizonMs !== undefined && nowMs < this.#lastMs) this.#mayBeMisdated = true;
    this.#lastMs = nowMs;
    const mends: Op[] = [];
    // What an offer brings is not in hand yet; none is made while there is doubt.
    if (nowMs < this.#doubtUntilMs && this.#offered === 0) {
      mends.push({ op: "release-lost", queue, owner, heldTokens: [...this.#held] });
    }
    if (this.#mayBeMisdated && horizonMs !== undefined) {
      mends.push({ op: "hasten", queue, laterThanMs: nowMs + horizonMs, dueAtMs: nowMs });
    }
    return mends;
  }

  #run(item: QueueItem): void {
    this.#held.add(item.token);
    const work = this.#settle(item).finally(() => {
      this.#held.delete(item.token);
      this.#running.delete(work);
      this.wake();
    });
    this.#running.add(work);
  }

  async #settle(item: QueueItem): Promise<void> {
    let settled: Settled;
    // It came with the stop, and goes as it came.
    if (this.#stopped) {
      await this.#close(item, { kind: "retry", dueAtMs: item.dueAtMs, resetAttempts: true });
      return;
    }
    try {
      settled = await this.#options.handle(item);
    } catch (error) {
      this.#options.onError(item, error);
      settled = {
        kind: "retry",
        dueAtMs: this.#options.clock.now() + backoff(item.attempts),
        error: String(error),
      };
    }
    if (settled.kind !== "closed") await this.#close(item, settled);
  }

  /**
   * Says what became of the item, again until the store takes it: leases are renewed for as long as this process
   * lives, so an item that is never closed would never be looked at again.
   */
  async #close(item: QueueItem, settled: Leaving): Promise<void> {
    const { store, clock, onError, horizonMs = Number.POSITIVE_INFINITY } = this.#options;
    for (let attempt = 1; ; attempt++) {
      // The clock may have been set back since the handler looked at it.
      const close = closing(item, settled, clock.now() + horizonMs);
      try {
        const result = await store.commit([...(settled.ops ?? []), close]);
        // One of the two is somebody else's by now; the other may still be ours.
        if (!result.ok && settled.ops !== undefined) {
          const isClaimLost = result.op === settled.ops.length;
          await store.commit(isClaimLost ? settled.ops : [close]);
        }
        return;
      } catch (error) {
        onError(item, error);
        if (this.#stopped) return;
        await sleep(clock, backoff(attempt), this.#stopping.signal);
      }
    }
  }

  #lookAgainIn(ms: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(ms, () => this.wake());
  }
}

function closing(item: QueueItem, settled: Leaving, latestMs: number): Op {
  const { queue, key, token } = item;
  if (settled.kind === "done") return { op: "complete", queue, key, token };
  return {
    op: "retry",
    queue,
    key,
    token,
    dueAtMs: Math.min(settled.dueAtMs, latestMs),
    ...(settled.error === undefined ? {} : { error: settled.error }),
    ...(settled.resetAttempts === undefined ? {} : { resetAttempts: settled.resetAttempts }),
  };
}

/** 500 ms, doubling, at most 30 s. */
export function backoff(attempts: number): number {
  return Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.max(0, Math.min(10, attempts - 1)));
}
