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
  ReadAllRange,
  Store,
  StoredEvent,
  StoredRecord,
  StreamRange,
} from "../../store.ts";
import { Waiting } from "../../waiting.ts";
import type { Method } from "./protocol.ts";

/** A store whose answers come from elsewhere. */
export abstract class AskedStore implements Store {
  readonly engine = "sqlite";
  readonly schemaVersion: number;
  /** Who waits for commits here. */
  protected readonly waiting = new Waiting();

  constructor(schemaVersion: number) {
    this.schemaVersion = schemaVersion;
  }

  commit(ops: readonly Op[], options: CommitOptions = {}): Promise<CommitResult> {
    return this.ask("commit", ops, options);
  }
  readStream(stream: string, range: StreamRange = {}): Promise<StoredEvent[]> {
    return this.ask("readStream", stream, range);
  }
  readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    return this.ask("readEvents", stream, seqs);
  }
  streamHead(stream: string): Promise<number> {
    return this.ask("streamHead", stream);
  }
  readAll(range: ReadAllRange): Promise<StoredEvent[]> {
    return this.ask("readAll", range);
  }
  head(): Promise<number> {
    return this.ask("head");
  }
  get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    return this.ask("get", kind, id);
  }
  getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    return this.ask("getMany", kind, ids);
  }
  list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    return this.ask("list", kind, query);
  }
  count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number> {
    return this.ask("count", kind, query);
  }
  nextDueAt(queue: string): Promise<number | undefined> {
    return this.ask("nextDueAt", queue);
  }
  getItem(queue: string, key: string): Promise<QueueItem | undefined> {
    return this.ask("getItem", queue, key);
  }
  deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    return this.ask("deadLetters", queue, limit);
  }
  getLease(name: string): Promise<Lease | undefined> {
    return this.ask("getLease", name);
  }
  reserveIds(sequence: string, count: number): Promise<number> {
    return this.ask("reserveIds", sequence, count);
  }
  sizeBytes(): Promise<number> {
    return this.ask("sizeBytes");
  }

  onCommit(news: News, wake: () => void): () => void {
    return this.waiting.add(news, wake);
  }

  abstract close(): Promise<void>;

  protected abstract ask<T>(method: Method, ...args: unknown[]): Promise<T>;
}
