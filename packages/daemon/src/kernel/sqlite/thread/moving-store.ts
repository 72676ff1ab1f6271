import type { Json } from "@kheish/contract";
import type { Clock } from "../../clock.ts";
import { monotonicMs } from "../../clock.ts";
import type {
  CommitOptions,
  CommitResult,
  KeyParts,
  Lease,
  ListedRecord,
  ListQuery,
  News,
  Op,
  QueueItem,
  ReadAllRange,
  Store,
  StoredEvent,
  StoredRecord,
  StreamRange,
} from "../../store.ts";
import { Waiting } from "../../waiting.ts";
import { openDatabase } from "../database.ts";
import { SqliteStore } from "../store.ts";
import { Pressure } from "./pressure.ts";
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
export class MovingStore implements Store {
  readonly engine = "sqlite";
  readonly schemaVersion: number;
  readonly #path: string;
  readonly #waiting = new Waiting();
  readonly #onMoved: () => void;
  #current: SqliteStore | StoreThread;
  #moving: Promise<void> | undefined;
  #isClosed = false;

  constructor({ path, clock, processors, onMoved = () => undefined }: MovingOptions) {
    const { db, schemaVersion } = openDatabase(path, clock);
    const pressure = new Pressure(processors, () => void this.move());
    this.schemaVersion = schemaVersion;
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

  commit(ops: readonly Op[], options?: CommitOptions): Promise<CommitResult> {
    return this.#current.commit(ops, options);
  }
  readStream(stream: string, range?: StreamRange): Promise<StoredEvent[]> {
    return this.#current.readStream(stream, range);
  }
  readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    return this.#current.readEvents(stream, seqs);
  }
  streamHead(stream: string): Promise<number> {
    return this.#current.streamHead(stream);
  }
  readAll(range: ReadAllRange): Promise<StoredEvent[]> {
    return this.#current.readAll(range);
  }
  head(): Promise<number> {
    return this.#current.head();
  }
  get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    return this.#current.get(kind, id);
  }
  getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    return this.#current.getMany(kind, ids);
  }
  list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    return this.#current.list(kind, query);
  }
  count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number> {
    return this.#current.count(kind, query);
  }
  nextDueAt(queue: string): Promise<number | undefined> {
    return this.#current.nextDueAt(queue);
  }
  getItem(queue: string, key: string): Promise<QueueItem | undefined> {
    return this.#current.getItem(queue, key);
  }
  deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    return this.#current.deadLetters(queue, limit);
  }
  getLease(name: string): Promise<Lease | undefined> {
    return this.#current.getLease(name);
  }
  reserveIds(sequence: string, count: number): Promise<number> {
    return this.#current.reserveIds(sequence, count);
  }
  sizeBytes(): Promise<number> {
    return this.#current.sizeBytes();
  }

  onCommit(news: News, wake: () => void): () => void {
    return this.#waiting.add(news, wake);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    await this.#moving;
    await this.#current.close();
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
    for (const news of ["events", "items"] as const) store.onCommit(news, () => this.#waiting.wake([news]));
  }
}
