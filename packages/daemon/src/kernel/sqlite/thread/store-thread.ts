import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Json } from "@kheish/contract";
import { programFile } from "../../package.ts";
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
} from "../../store.ts";
import { publishFlush, publishSync } from "../../store-channels.ts";
import { Waiting } from "../../waiting.ts";
import { type Call, errorOf, type Method, type Report } from "./protocol.ts";

const WORKER = programFile("kernel/sqlite/thread/store-worker");

type Settle = PromiseWithResolvers<unknown>;

/**
 * The store on one SQLite file, in a thread of its own: while it writes and syncs, the daemon's loop goes on. What is
 * called in one go crosses as one message, in its order.
 *
 * A thread that ends by itself (it ran out of memory) takes the process with it, as the store would have done here: what
 * it had handed out and not yet written, nobody could vouch for.
 */
export class StoreThread implements Store {
  readonly engine = "sqlite";
  readonly schemaVersion: number;
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Waiting();
  readonly #asked = new Map<number, Settle>();
  #lastId = 0;
  /** Calls as they will be sent. */
  #unsent: string[] = [];
  #isClosed = false;

  private constructor(worker: Worker, path: string, schemaVersion: number) {
    this.schemaVersion = schemaVersion;
    this.#worker = worker;
    this.#path = path;
    worker.on("message", (text: string) => this.#hear(JSON.parse(text) as Report));
  }

  /** Resolves when the thread has opened the file. From the first call on nobody else may write to it. */
  static async start(path: string, schemaVersion: number): Promise<StoreThread> {
    const worker = new Worker(WORKER, { workerData: { path }, env: {}, execArgv: [] });
    await once(worker, "message");
    return new StoreThread(worker, path, schemaVersion);
  }

  commit(ops: readonly Op[], options: CommitOptions = {}): Promise<CommitResult> {
    return this.#ask("commit", ops, options);
  }
  readStream(stream: string, range: StreamRange = {}): Promise<StoredEvent[]> {
    return this.#ask("readStream", stream, range);
  }
  readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    return this.#ask("readEvents", stream, seqs);
  }
  streamHead(stream: string): Promise<number> {
    return this.#ask("streamHead", stream);
  }
  readAll(range: ReadAllRange): Promise<StoredEvent[]> {
    return this.#ask("readAll", range);
  }
  head(): Promise<number> {
    return this.#ask("head");
  }
  get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    return this.#ask("get", kind, id);
  }
  getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    return this.#ask("getMany", kind, ids);
  }
  list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    return this.#ask("list", kind, query);
  }
  count(kind: string, query: { index: string; prefix?: KeyParts }): Promise<number> {
    return this.#ask("count", kind, query);
  }
  nextDueAt(queue: string): Promise<number | undefined> {
    return this.#ask("nextDueAt", queue);
  }
  getItem(queue: string, key: string): Promise<QueueItem | undefined> {
    return this.#ask("getItem", queue, key);
  }
  deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    return this.#ask("deadLetters", queue, limit);
  }
  getLease(name: string): Promise<Lease | undefined> {
    return this.#ask("getLease", name);
  }
  reserveIds(sequence: string, count: number): Promise<number> {
    return this.#ask("reserveIds", sequence, count);
  }
  sizeBytes(): Promise<number> {
    return this.#ask("sizeBytes");
  }

  onCommit(news: News, wake: () => void): () => void {
    return this.#waiting.add(news, wake);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const closed = this.#ask("close");
    this.#isClosed = true;
    this.#waiting.clear();
    try {
      await closed;
    } finally {
      await this.#worker.terminate();
    }
  }

  /** Ends a thread that was asked for nothing. */
  async end(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.terminate();
  }

  async #ask<T>(method: Method, ...args: unknown[]): Promise<T> {
    if (this.#isClosed) throw new StoreError("unavailable", `${this.#path} is closed`);
    const id = ++this.#lastId;
    // Here, so that what is no JSON is its caller's failure alone.
    const call = JSON.stringify({ id, method, args } satisfies Call);
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    if (this.#unsent.length === 0) queueMicrotask(() => this.#send());
    this.#unsent.push(call);
    return asked.promise as Promise<T>;
  }

  #send(): void {
    this.#worker.postMessage(`[${this.#unsent.join(",")}]`);
    this.#unsent = [];
  }

  #hear({ answers, news, flushes, syncs }: Report): void {
    for (const { id, result, failure } of answers) {
      const asked = this.#settle(id);
      if (failure === undefined) asked?.resolve(result);
      else asked?.reject(errorOf(failure));
    }
    this.#waiting.wake(news);
    for (const flush of flushes) publishFlush(flush);
    for (const sync of syncs) publishSync(sync);
  }

  #settle(id: number): Settle | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}
