import type { Clock, Timer } from "./clock.ts";
import type { Store, StoredEvent } from "./store.ts";

interface StreamWaiter {
  matches: (event: StoredEvent) => boolean;
  done: () => void;
}

const PAGE = 500;
/** A wake-up may be lost, the next poll is not. */
const POLL_MS = 1_000;

/**
 * One follower of the whole journal for everybody in this process: it reads each event once,
 * keeps the newest in a ring, and wakes whoever waits. A reader that fell behind the ring reads the store;
 * the journal is the truth, so no reader can lose an event.
 */
export class JournalTail {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #capacity: number;
  #ring: StoredEvent[] = [];
  /** Everything up to here has been read; the ring holds what follows `#ringStart`. */
  #position = 0;
  #ringStart = 0;
  readonly #waiters = new Set<() => void>();
  /** Whoever waits for events of one stream only is not woken by the others'. */
  readonly #streamWaiters = new Map<string, Set<StreamWaiter>>();
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  #reading = false;
  /** Those who wait for a read that has yet to begin. */
  #behind: (() => void)[] = [];
  #again = false;
  #timer: Timer | undefined;
  #unsubscribe: () => void = () => undefined;
  #stopped = false;
  readonly #onError: (error: unknown) => void;

  constructor(options: { store: Store; clock: Clock; capacity: number; onError: (error: unknown) => void }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#capacity = options.capacity;
    this.#onError = options.onError;
  }

  /** Begins at the journal's present end. */
  async start(): Promise<void> {
    this.#position = await this.#store.head();
    this.#ringStart = this.#position;
    this.#unsubscribe = this.#store.onCommit("events", () => this.#wake());
    this.#poll();
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    for (const waiter of this.#waiters) waiter();
    for (const waiters of this.#streamWaiters.values()) for (const { done } of waiters) done();
  }

  /** False once it follows no longer: whoever waits has been woken without news. */
  get isFollowing(): boolean {
    return !this.#stopped;
  }

  /** The newest position this tail has read. */
  get position(): number {
    return this.#position;
  }

  get retained(): { count: number; capacity: number; oldest: number | undefined } {
    return { count: this.#ring.length, capacity: this.#capacity, oldest: this.#ring[0]?.position };
  }

  /** Events after `position` from memory; undefined when the ring does not reach back that far. */
  since(position: number): StoredEvent[] | undefined {
    if (position < this.#ringStart) return undefined;
    return this.#ring.slice(this.#firstAfter(position));
  }

  /**
   * Resolves when everything that was committed here before now has been read; undefined when that is so already.
   * A commit wakes the tail before its caller hears of it.
   */
  caughtUp(): Promise<void> | undefined {
    return this.#reading ? new Promise((resolve) => this.#behind.push(resolve)) : undefined;
  }

  /** Calls back for every event from now on, in order. */
  onEvent(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when something after `position` has been read, or when `signal` aborts. */
  async after(position: number, signal: AbortSignal): Promise<void> {
    if (this.#position > position || signal.aborted || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Resolves when an event of the stream that matches has been read after `position`, or when `signal` aborts. */
  async afterIn(
    stream: string,
    position: number,
    signal: AbortSignal,
    matches: (event: StoredEvent) => boolean = () => true,
  ): Promise<void> {
    if (signal.aborted || this.#stopped) return;
    const missed = this.since(position);
    if (missed === undefined || missed.some((event) => event.stream === stream && matches(event))) return;
    await new Promise<void>((resolve) => {
      const waiters = this.#streamWaiters.get(stream) ?? new Set<StreamWaiter>();
      const done = () => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#streamWaiters.delete(stream);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const waiter: StreamWaiter = { matches, done };
      this.#streamWaiters.set(stream, waiters.add(waiter));
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Where in the ring the events after `position` begin: positions grow, so half of the rest is left out each time. */
  #firstAfter(position: number): number {
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ring[middle]?.position ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #wake(): void {
    if (this.#reading) this.#again = true;
    else void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      do {
        this.#again = false;
        const behind = this.#behind.splice(0);
        try {
          await this.#readPages();
        } finally {
          for (const done of behind) done();
        }
      } while (this.#again && !this.#stopped);
    } catch (error) {
      if (!this.#stopped) this.#onError(error);
    } finally {
      this.#reading = false;
      for (const done of this.#behind.splice(0)) done();
    }
  }

  async #readPages(): Promise<void> {
    for (;;) {
      const page = await this.#store.readAll({
        afterPosition: this.#position,
        limit: PAGE,
        isFollowing: true,
      });
      if (page.length === 0) return;
      this.#keep(page);
      for (const waiter of [...this.#waiters]) waiter();
      for (const event of page) this.#announce(event);
      if (page.length < PAGE) return;
    }
  }

  #announce(event: StoredEvent): void {
    const waiters = this.#streamWaiters.get(event.stream);
    if (waiters !== undefined) for (const { matches, done } of [...waiters]) if (matches(event)) done();
    for (const listener of this.#listeners) listener(event);
  }

  #keep(page: readonly StoredEvent[]): void {
    this.#position = page.at(-1)?.position ?? this.#position;
    this.#ring.push(...page);
    // Trimmed in strides, so that a full ring is not copied at every event.
    if (this.#ring.length <= this.#capacity * 2) return;
    const dropped = this.#ring.length - this.#capacity;
    this.#ringStart = this.#ring[dropped - 1]?.position ?? this.#ringStart;
    this.#ring = this.#ring.slice(dropped);
  }

  #poll(): void {
    this.#timer = this.#clock.schedule(POLL_MS, () => {
      this.#wake();
      if (!this.#stopped) this.#poll();
    });
  }
}
