import type { Clock, Timer } from "./clock.ts";
import { RecentEvents } from "./recent-events.ts";
import type { Store, StoredEvent } from "./store.ts";

interface StreamWaiter {
  matches: (event: StoredEvent) => boolean;
  done: (event?: StoredEvent) => void;
}

const EVERY = (): boolean => true;

const PAGE = 500;
/** A wake-up may be lost, the next poll is not. */
const POLL_MS = 1_000;

/**
 * One follower of the whole journal for everybody in this process: it reads each event once,
 * keeps the newest in memory, and wakes whoever waits. A reader that fell behind them reads the store;
 * the journal is the truth, so no reader can lose an event.
 */
export class JournalTail {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #recent: RecentEvents;
  /** Everything up to here has been read. */
  #position = 0;
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
    this.#recent = new RecentEvents(options.capacity);
    this.#onError = options.onError;
  }

  /** Begins at the journal's present end. */
  async start(): Promise<void> {
    this.#position = await this.#store.head();
    this.#recent.beginAfter(this.#position);
    this.#unsubscribe = this.#store.onCommit("events", () => this.#wake());
    this.#poll();
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    for (const waiter of this.#waiters) waiter();
    for (const waiters of this.#streamWaiters.values()) for (const { done } of [...waiters]) done();
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
    return this.#recent.retained;
  }

  /** Events after `position` from memory; undefined when it does not reach back that far. */
  since(position: number): StoredEvent[] | undefined {
    return this.#recent.since(position);
  }

  /** The same of one stream's events. */
  sinceIn(stream: string, position: number): StoredEvent[] | undefined {
    return this.#recent.sinceIn(stream, position);
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
  after(position: number, signal: AbortSignal): Promise<void> {
    return untilAborted(signal, (done) => this.whenAfter(position, done));
  }

  /** Resolves when an event of the stream that matches has been read after `position`, or when `signal` aborts. */
  afterIn(
    stream: string,
    position: number,
    signal: AbortSignal,
    matches: (event: StoredEvent) => boolean = EVERY,
  ): Promise<void> {
    return untilAborted(signal, (done) => this.whenAfterIn(stream, position, done, matches));
  }

  /** Calls back once, when something after `position` has been read. Returns what takes that back. */
  whenAfter(position: number, done: () => void): () => void {
    if (this.#position > position || this.#stopped) {
      done();
      return () => undefined;
    }
    const waiter = () => {
      this.#waiters.delete(waiter);
      done();
    };
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /**
   * Calls back once, when an event of the stream that matches has been read after `position`: with that event, when it was
   * waited for, so that its reader knows that nothing of the stream lies between. Returns what takes that back.
   */
  whenAfterIn(
    stream: string,
    position: number,
    done: (event?: StoredEvent) => void,
    matches: (event: StoredEvent) => boolean = EVERY,
  ): () => void {
    const missed = this.#stopped ? undefined : this.sinceIn(stream, position);
    if (missed === undefined || missed.some(matches)) {
      done();
      return () => undefined;
    }
    const waiters = this.#streamWaiters.get(stream) ?? new Set<StreamWaiter>();
    const leave = () => {
      waiters.delete(waiter);
      if (waiters.size === 0) this.#streamWaiters.delete(stream);
    };
    const waiter: StreamWaiter = {
      // Whoever read the store may be further than this is.
      matches: (event) => event.position > position && matches(event),
      done: (event) => {
        leave();
        done(event);
      },
    };
    this.#streamWaiters.set(stream, waiters.add(waiter));
    return leave;
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
      this.#position = page.at(-1)?.position ?? this.#position;
      this.#recent.keep(page);
      for (const waiter of [...this.#waiters]) waiter();
      for (const event of page) this.#announce(event);
      if (page.length < PAGE) return;
    }
  }

  #announce(event: StoredEvent): void {
    const waiters = this.#streamWaiters.get(event.stream);
    if (waiters !== undefined) for (const { matches, done } of [...waiters]) if (matches(event)) done(event);
    for (const listener of this.#listeners) listener(event);
  }

  #poll(): void {
    this.#timer = this.#clock.schedule(POLL_MS, () => {
      this.#wake();
      if (!this.#stopped) this.#poll();
    });
  }
}

async function untilAborted(signal: AbortSignal, wait: (done: () => void) => () => void): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const leave = () => {
      stopWaiting();
      resolve();
    };
    signal.addEventListener("abort", leave, { once: true });
    const stopWaiting = wait(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
  });
}
