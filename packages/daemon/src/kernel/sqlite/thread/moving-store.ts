import { type Clock, monotonicMs } from "../../clock.ts";
import type { Store } from "../../store.ts";
import { openDatabase } from "../database.ts";
import { SqliteStore } from "../store.ts";
import { AskedStore } from "./asked-store.ts";
import { Pressure } from "./pressure.ts";
import { asked, type Method } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

export interface MovingOptions {
  path: string;
  clock: Clock;
  /** How many threads can really run at once. */
  processors: number;
  /** The store has a thread of its own from now on. */
  onMoved?: () => void;
}

/**
 * The store on one SQLite file, which begins in the thread of whoever opened it and moves to one of its own when it
 * becomes what the others wait for. It moves once, between two flushes: what was submitted is written here, the file is
 * closed here, and the next call goes there. Nobody notices but by the time that things take.
 */
export class MovingStore extends AskedStore {
  readonly #path: string;
  readonly #onMoved: () => void;
  #current: SqliteStore | StoreThread;
  #moving: Promise<void> | undefined;
  #isClosed = false;

  constructor({ path, clock, processors, onMoved = () => undefined }: MovingOptions) {
    const { db, schemaVersion } = openDatabase(path, clock);
    super(schemaVersion);
    const pressure = new Pressure(processors, () => void this.move());
    this.#path = path;
    this.#onMoved = onMoved;
    this.#current = new SqliteStore(db, path, schemaVersion, {
      onFlush: (flush) => pressure.add(flush, monotonicMs()),
    });
    this.#hear(this.#current);
  }

  /** Never rejects: a thread that does not start leaves the store where it is. */
  move(): Promise<void> {
    this.#moving ??= this.#move().catch(() => undefined);
    return this.#moving;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.waiting.clear();
    await this.#moving;
    await this.#current.close();
  }

  protected ask<T>(method: Method, ...args: unknown[]): Promise<T> {
    return asked(this.#current, method, args) as Promise<T>;
  }

  async #move(): Promise<void> {
    const here = this.#current;
    if (!(here instanceof SqliteStore)) return;
    const thread = await StoreThread.start(this.#path, this.schemaVersion);
    try {
      if (this.#isClosed) return await thread.end();
      // From here to the new store nothing else runs: no call can come between the two.
      here.drain();
    } catch (error) {
      await thread.end();
      throw error;
    }
    void here.close();
    this.#hear(thread);
    this.#current = thread;
    this.#onMoved();
  }

  #hear(store: Store): void {
    for (const news of ["events", "items"] as const) store.onCommit(news, () => this.waiting.wake([news]));
  }
}
