import type { Json } from "@kheish/contract";
import type { Clock } from "../clock.ts";
import {
  type CommitOptions,
  type CommitResult,
  type KeyParts,
  type Lease,
  type ListedRecord,
  type ListQuery,
  type News,
  type Op,
  type QueueItem,
  type ReadAllRange,
  type Store,
  type StoredEvent,
  type StoredRecord,
  StoreError,
  type StreamRange,
} from "../store.ts";
import { Waiting } from "../waiting.ts";
import type { Connector } from "./connector.ts";
import { GroupCommit } from "./group-commit.ts";
import { Journal } from "./journal.ts";
import { Leases } from "./leases.ts";
import { Listener } from "./listener.ts";
import { OwnEvents } from "./own-events.ts";
import { Queue } from "./queue.ts";
import { Readers } from "./readers.ts";
import { Records } from "./records.ts";
import { Sequences } from "./sequences.ts";
import { Statement } from "./statement.ts";
import { Writer } from "./writer.ts";

const size = new Statement<[], { bytes: number }>(
  "store.size",
  `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes
   FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r'`,
);

/** The store in one schema of a PostgreSQL database, which many daemons may share. */
export class PostgresStore implements Store {
  readonly engine = "postgres";
  readonly schemaVersion: number;
  readonly #readers: Readers;
  readonly #journal: Journal;
  readonly #records: Records;
  readonly #queue: Queue;
  readonly #leases: Leases;
  readonly #sequences: Sequences;
  readonly #writer: Writer;
  readonly #commits: GroupCommit;
  readonly #listener: Listener;
  readonly #waiting = new Waiting();
  readonly #ownEvents = new OwnEvents();
  #closed: Promise<void> | undefined;

  constructor(connector: Connector, schemaVersion: number, clock: Clock) {
    this.schemaVersion = schemaVersion;
    this.#readers = new Readers(connector.pool());
    this.#journal = new Journal(this.#readers);
    this.#records = new Records(this.#readers);
    this.#queue = new Queue(this.#readers);
    this.#leases = new Leases(this.#readers);
    this.#sequences = new Sequences(this.#readers);
    this.#writer = new Writer(connector);
    this.#commits = new GroupCommit(this.#writer, ({ appended, news }) => {
      this.#ownEvents.landed(appended);
      this.#waiting.wake(news);
    });
    this.#listener = new Listener(connector, clock, (processId) => {
      if (processId === this.#writer.processId) return;
      this.#ownEvents.end();
      this.#waiting.wake();
    });
  }

  async commit(ops: readonly Op[], options: CommitOptions = {}): Promise<CommitResult> {
    this.#mustBeOpen();
    return this.#commits.submit(ops, options);
  }

  async readStream(stream: string, range: StreamRange = {}): Promise<StoredEvent[]> {
    this.#mustBeOpen();
    return this.#journal.readStream(stream, range);
  }

  async readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    this.#mustBeOpen();
    return this.#journal.readEvents(stream, seqs);
  }

  async streamHead(stream: string): Promise<number> {
    this.#mustBeOpen();
    return this.#journal.streamHead(stream);
  }

  async readAll({ afterPosition, limit, isFollowing = false }: ReadAllRange): Promise<StoredEvent[]> {
    this.#mustBeOpen();
    const own = isFollowing ? this.#ownEvents.behind(afterPosition, limit) : undefined;
    return own ?? this.#journal.readAll(afterPosition, limit);
  }

  async head(): Promise<number> {
    this.#mustBeOpen();
    return this.#journal.head();
  }

  /** The first to wait also makes the store listen to other daemons. */
  onCommit(news: News, wake: () => void): () => void {
    this.#listener.start();
    return this.#waiting.add(news, wake);
  }

  async get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    const [record] = await this.getMany<T>(kind, [id]);
    return record;
  }

  async getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    this.#mustBeOpen();
    return this.#records.find<T>(kind, ids);
  }

  async list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    this.#mustBeOpen();
    return this.#records.list<T>(kind, query);
  }

  async count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number> {
    this.#mustBeOpen();
    return this.#records.count(kind, query.index, query.prefix);
  }

  async nextDueAt(queue: string): Promise<number | undefined> {
    this.#mustBeOpen();
    return this.#queue.nextDueAt(queue);
  }

  async getItem(queue: string, key: string): Promise<QueueItem | undefined> {
    this.#mustBeOpen();
    return this.#queue.get(queue, key);
  }

  async deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    this.#mustBeOpen();
    return this.#queue.deadLetters(queue, limit);
  }

  async getLease(name: string): Promise<Lease | undefined> {
    this.#mustBeOpen();
    return this.#leases.get(name);
  }

  async reserveIds(sequence: string, count: number): Promise<number> {
    this.#mustBeOpen();
    return this.#sequences.reserve(sequence, count);
  }

  async sizeBytes(): Promise<number> {
    this.#mustBeOpen();
    const [row] = await this.#readers.run(size);
    return row?.bytes ?? 0;
  }

  /** Finishes what it was given. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#waiting.clear();
    await Promise.all([this.#commits.drained(), this.#sequences.drained(), this.#listener.close()]);
    await Promise.all([this.#writer.close(), this.#readers.close()]);
  }

  #mustBeOpen(): void {
    if (this.#closed !== undefined) throw new StoreError("unavailable", "the store is closed");
  }
}
