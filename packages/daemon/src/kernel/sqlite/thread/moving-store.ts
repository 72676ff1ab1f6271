import type { DatabaseSync } from "node:sqlite";
import { type Clock, monotonicMs, type Timer } from "../../clock.ts";
import type { Store } from "../../store.ts";
import type { Flush } from "../../store-channels.ts";
import { NEWS } from "../../waiting.ts";
import { openDatabase } from "../database.ts";
import { Standing } from "../standing.ts";
import { SqliteStore } from "../store.ts";
import { AskedStore } from "./asked-store.ts";
import { isCalm, isWorthAThread, Spending, WINDOW_MS } from "./pressure.ts";
import { asked, type Method } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

export interface MovingOptions {
  path: string;
  clock: Clock;
  /** How many threads can really run at once. */
  processors: number;
  /** The store has a thread of its own from now on, or is back. */
  onMoved?: (where: Where) => void;
}

export type Where = "here" | "in a thread of its own";

/** So many calm windows in a row, three seconds: starting a thread is not for nothing. */
const CALM_WINDOWS = 12;

/**
 * The store on one SQLite file, which begins in the thread of whoever opened it, moves to one of its own when it becomes
 * what the others wait for, and comes back when that is over. It moves between two flushes: what was submitted is written
 * where it was, the file is closed there, and the next call goes to the other place. Nobody notices but by the time that
 * things take.
 */
export class MovingStore extends AskedStore {
  readonly #options: MovingOptions;
  readonly #spending = new Spending(monotonicMs());
  readonly #standing: Standing;
  #current: SqliteStore | StoreThread;
  /** The move that is under way. */
  #moving: Promise<void> | undefined;
  /** What is called meanwhile waits for this; nothing does on the way there. */
  #arriving: Promise<void> | undefined;
  #look: Timer | undefined;
  #isClosed = false;

  constructor(options: MovingOptions) {
    const { db, schemaVersion } = openDatabase(options.path, options.clock);
    super(schemaVersion);
    this.#options = options;
    this.#standing = new Standing(options.path);
    this.#current = this.#heard(
      new SqliteStore(db, options.path, schemaVersion, { onFlush: this.#onFlushHere }),
    );
  }

  /** Resolves when the store has a thread of its own. Never rejects: one that does not start leaves the store here. */
  move(): Promise<void> {
    return this.#under(() => this.#moveThere());
  }

  /** Resolves when the store is back here. Never rejects: where it cannot be opened here, it stays there. */
  comeBack(): Promise<void> {
    return this.#under(() => this.#moveHere());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#look?.cancel();
    this.waiting.clear();
    await this.#moving;
    await this.#current.close();
  }

  protected ask<T>(method: Method, ...args: unknown[]): Promise<T> {
    const call = () => asked(this.#current, method, args) as Promise<T>;
    return this.#arriving === undefined ? call() : this.#arriving.then(call);
  }

  /** One move at a time. */
  #under(move: () => Promise<void>): Promise<void> {
    this.#moving ??= move()
      .catch(() => undefined)
      .finally(() => {
        this.#moving = undefined;
      });
    return this.#moving;
  }

  async #moveThere(): Promise<void> {
    const here = this.#current;
    if (!(here instanceof SqliteStore)) return;
    const { path } = this.#options;
    this.#standing.mustBeTheFile();
    const thread = await StoreThread.start(path, this.schemaVersion, this.#onFlushThere);
    try {
      this.#standing.mustBeTheFile();
      if (this.#isClosed) return await thread.end();
      // From here to the new store nothing else runs: no call can come between the two.
      here.drain();
    } catch (error) {
      await thread.end();
      throw error;
    }
    void here.close();
    this.#arrive(thread, "in a thread of its own");
    this.#lookLater();
  }

  async #moveHere(): Promise<void> {
    const thread = this.#current;
    if (!(thread instanceof StoreThread) || this.#isClosed) return;
    const { path, clock } = this.#options;
    const arrived = Promise.withResolvers<void>();
    let db: DatabaseSync | undefined;
    try {
      this.#standing.mustBeTheFile();
      ({ db } = openDatabase(path, clock));
      this.#standing.mustBeTheFile();
      this.#arriving = arrived.promise;
      // Numbers that were reserved there and are in no commit yet are written by any.
      await thread.commit([]);
      await thread.close();
      this.#look?.cancel();
      this.#arrive(new SqliteStore(db, path, this.schemaVersion, { onFlush: this.#onFlushHere }), "here");
    } catch (error) {
      db?.close();
      this.#lookLater();
      throw error;
    } finally {
      this.#arriving = undefined;
      arrived.resolve();
    }
  }

  #arrive(store: SqliteStore | StoreThread, where: Where): void {
    this.#current = this.#heard(store);
    this.#spending.take(monotonicMs());
    this.#options.onMoved?.(where);
  }

  #heard<T extends Store>(store: T): T {
    for (const news of NEWS) store.onCommit(news, () => this.waiting.wake([news]));
    return store;
  }

  readonly #onFlushHere = (flush: Flush): void => {
    const nowMs = monotonicMs();
    this.#spending.add(flush);
    if (this.#spending.elapsedMs(nowMs) < WINDOW_MS) return;
    if (isWorthAThread(this.#spending.take(nowMs), this.#options.processors)) void this.move();
  };

  readonly #onFlushThere = (flush: Flush): void => this.#spending.add(flush);

  /** By a timer, as a store at rest tells nothing. */
  #lookLater(calmWindows = 0): void {
    this.#look?.cancel();
    this.#look = this.#options.clock.schedule(WINDOW_MS, () => {
      const spent = this.#spending.take(monotonicMs());
      const calm = isCalm(spent, this.#options.processors) ? calmWindows + 1 : 0;
      if (calm >= CALM_WINDOWS) void this.comeBack();
      else this.#lookLater(calm);
    });
  }
}
