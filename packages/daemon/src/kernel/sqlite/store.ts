import { stat } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import type { Json } from "@kheish/contract";
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
  Store,
  StoredEvent,
  StoredRecord,
  StreamRange,
} from "../store.ts";
import { StoreError } from "../store.ts";
import { type Flush, publishFlush } from "../store-channels.ts";
import { Waiting } from "../waiting.ts";
import { asStoreError } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";
import { Journal } from "./journal.ts";
import { Leases } from "./leases.ts";
import { Queue } from "./queue.ts";
import { Records } from "./records.ts";
import { Sequences } from "./sequences.ts";
import { Standing } from "./standing.ts";

export interface SqliteStoreOptions {
  /** Hears of every transaction. */
  onFlush?: (flush: Flush) => void;
}

/** The store on one SQLite file, which belongs to one process (`state-root.ts` sees to that). */
export class SqliteStore implements Store {
  readonly engine = "sqlite";
  readonly schemaVersion: number;
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #journal: Journal;
  readonly #records: Records;
  readonly #queue: Queue;
  readonly #leases: Leases;
  readonly #sequences: Sequences;
  readonly #commits: GroupCommit;
  readonly #waiting = new Waiting();

  constructor(db: DatabaseSync, path: string, schemaVersion: number, options: SqliteStoreOptions = {}) {
    this.schemaVersion = schemaVersion;
    this.#db = db;
    this.#path = path;
    this.#sequences = new Sequences(db);
    this.#journal = new Journal(db);
    this.#records = new Records(db);
    this.#queue = new Queue(db, this.#sequences);
    this.#leases = new Leases(db, this.#sequences);
    const primitives = {
      journal: this.#journal,
      records: this.#records,
      queue: this.#queue,
      leases: this.#leases,
    };
    const wake = (news: Iterable<News>) => this.#waiting.wake(news);
    const onFlush = (flush: Flush) => {
      publishFlush(flush);
      options.onFlush?.(flush);
    };
    // What stands in memory only cannot be taken away.
    const standing = db.location() === null ? undefined : new Standing(path);
    this.#commits = new GroupCommit(db, primitives, this.#sequences, standing, wake, onFlush);
  }

  async commit(ops: readonly Op[], options: CommitOptions = {}): Promise<CommitResult> {
    this.#mustBeOpen();
    try {
      return await this.#commits.submit(ops, options);
    } catch (error) {
      throw asStoreError(error, this.#path);
    }
  }

  async readStream(stream: string, range: StreamRange = {}): Promise<StoredEvent[]> {
    return this.#read(() => this.#journal.readStream(stream, range));
  }

  async readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    return this.#read(() => this.#journal.readEvents(stream, seqs));
  }

  async streamHead(stream: string): Promise<number> {
    return this.#read(() => this.#journal.streamHead(stream));
  }

  async readAll({ afterPosition, limit }: { afterPosition: number; limit: number }): Promise<StoredEvent[]> {
    return this.#read(() => this.#journal.readAll(afterPosition, limit));
  }

  async head(): Promise<number> {
    return this.#read(() => this.#journal.head());
  }

  onCommit(news: News, wake: () => void): () => void {
    return this.#waiting.add(news, wake);
  }

  async get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    return this.#read(() => this.#records.get<T>(kind, id));
  }

  async getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    return this.#read(() => [...new Set(ids)].flatMap((id) => this.#records.get<T>(kind, id) ?? []));
  }

  async list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    return this.#read(() => this.#records.list<T>(kind, query));
  }

  async count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number> {
    return this.#read(() => this.#records.count(kind, query.index, query.prefix));
  }

  async nextDueAt(queue: string): Promise<number | undefined> {
    return this.#read(() => this.#queue.nextDueAt(queue));
  }

  async getItem(queue: string, key: string): Promise<QueueItem | undefined> {
    return this.#read(() => this.#queue.get(queue, key));
  }

  async deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    return this.#read(() => this.#queue.deadLetters(queue, limit));
  }

  async getLease(name: string): Promise<Lease | undefined> {
    return this.#read(() => this.#leases.get(name));
  }

  async reserveIds(sequence: string, count: number): Promise<number> {
    return this.#read(() => this.#sequences.reserve(sequence, count));
  }

  async sizeBytes(): Promise<number> {
    const files = await Promise.all(
      [this.#path, `${this.#path}-wal`].map((path) => stat(path).catch(() => undefined)),
    );
    return files.reduce((sum, file) => sum + (file?.size ?? 0), 0);
  }

  /** Writes all that was submitted or reserved so far, before it returns. */
  drain(): void {
    this.#read(() => this.#commits.drain());
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return;
    this.#waiting.clear();
    try {
      this.drain();
    } finally {
      this.#db.close();
    }
  }

  #read<T>(answer: () => T): T {
    this.#mustBeOpen();
    try {
      return answer();
    } catch (error) {
      throw asStoreError(error, this.#path);
    }
  }

  #mustBeOpen(): void {
    if (!this.#db.isOpen) throw new StoreError("unavailable", `${this.#path} is closed`);
  }
}
