import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { programFile } from "../../package.ts";
import { StoreError } from "../../store.ts";
import { type Flush, publishFlush, publishSync } from "../../store-channels.ts";
import { AskedStore } from "./asked-store.ts";
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
export class StoreThread extends AskedStore {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #asked = new Map<number, Settle>();
  #lastId = 0;
  /** Calls as they will be sent. */
  #unsent: string[] = [];
  readonly #onFlush: (flush: Flush) => void;
  #isClosed = false;

  private constructor(worker: Worker, path: string, schemaVersion: number, onFlush: (flush: Flush) => void) {
    super(schemaVersion);
    this.#onFlush = onFlush;
    this.#worker = worker;
    this.#path = path;
    worker.on("message", (text: string) => this.#hear(JSON.parse(text) as Report));
  }

  /** Resolves when the thread has opened the file. From the first call on nobody else may write to it. */
  static async start(
    path: string,
    schemaVersion: number,
    onFlush: (flush: Flush) => void,
  ): Promise<StoreThread> {
    const worker = new Worker(WORKER, { workerData: { path }, env: {}, execArgv: [] });
    await once(worker, "message");
    return new StoreThread(worker, path, schemaVersion, onFlush);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const closed = this.ask("close");
    this.#isClosed = true;
    this.waiting.clear();
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

  protected async ask<T>(method: Method, ...args: unknown[]): Promise<T> {
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
    this.waiting.wake(news);
    for (const flush of flushes) {
      publishFlush(flush);
      this.#onFlush(flush);
    }
    for (const sync of syncs) publishSync(sync);
  }

  #settle(id: number): Settle | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}
