import type { Client } from "pg";
import { StoreError } from "../store.ts";
import { Announcer } from "./announcer.ts";
import type { Connector } from "./connector.ts";
import { isFailure, PostgresError } from "./errors.ts";
import { type EncodedCommit, Flush, type Flushed, type KnownToFlush } from "./flush.ts";
import { KnownRows } from "./known.ts";
import { Statement } from "./statement.ts";
import { Transaction } from "./transaction.ts";

const begin = new Statement("writer.begin", "BEGIN ISOLATION LEVEL READ COMMITTED");
const commit = new Statement("writer.commit", "COMMIT");
const rollback = new Statement("writer.rollback", "ROLLBACK");
/** Outside the transaction: inside, it would hold one more lock of all daemons while the commit goes to the disk. */
const announce = new Statement("writer.announce", "SELECT pg_notify(current_schema(), '')");
const backend = new Statement<[], { pid: number }>("writer.backend", "SELECT pg_backend_pid() AS pid");

/** Deadlocks and lost races end with the other's commit; only steady bad luck needs more than a second attempt. */
const MAX_ATTEMPTS = 5;

/**
 * The one connection that commits. A flush takes two round trips: begin and load, write and commit. One that looks at
 * nothing but what the flushes before it left takes one: begin, verify, write and commit; when somebody else has changed
 * that, it fails as a whole and is made again in two.
 *
 * Until the commit is sent nothing can have landed: a flush whose connection ends is made again on another,
 * where its guards are looked at again. After that it may have landed, and is never made again: when the connection
 * ends before the answer, the callers are told that the outcome is unknown, and have to look.
 */
export class Writer {
  readonly #connector: Connector;
  readonly #known: KnownToFlush = { leases: new KnownRows(), streams: new KnownRows() };
  readonly #announcer = new Announcer(() => {
    if (this.#client !== undefined) announce.run(this.#client).catch(() => undefined);
  });
  #client: Client | undefined;
  #processId = 0;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** What the server calls this connection; what others hear from it is no news here. */
  get processId(): number {
    return this.#processId;
  }

  async write(commits: readonly EncodedCommit[]): Promise<Flushed> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(commits);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isFailure(error, "conflict", "lost")) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#announcer.close();
    await this.#client?.end();
    this.#client = undefined;
  }

  async #attempt(commits: readonly EncodedCommit[]): Promise<Flushed> {
    const client = this.#client ?? (await this.#connect());
    return (await this.#attemptOnKnown(client, commits)) ?? (await this.#attemptOnLoaded(client, commits));
  }

  /** Undefined when more than what is known is needed, or it is not so any more. */
  async #attemptOnKnown(client: Client, commits: readonly EncodedCommit[]): Promise<Flushed | undefined> {
    const flush = new Flush(commits);
    if (!flush.assume(this.#known)) return undefined;
    try {
      return await this.#commit(client, flush, (transaction) => [
        begin.run(transaction),
        flush.verify(transaction),
      ]);
    } catch (error) {
      if (!isFailure(error, "stale")) throw error;
      flush.forget(this.#known);
      return undefined;
    }
  }

  async #attemptOnLoaded(client: Client, commits: readonly EncodedCommit[]): Promise<Flushed> {
    const flush = new Flush(commits);
    await this.#load(client, flush);
    return await this.#commit(client, flush);
  }

  async #load(client: Client, flush: Flush): Promise<void> {
    const transaction = new Transaction(client);
    try {
      await inOneWrite(client, () => Promise.all([begin.run(transaction), flush.load(transaction)]));
    } catch (error) {
      const cause = transaction.causeOf(error);
      if (isFailure(cause, "lost", "unreachable")) this.#drop(client);
      else await rollback.run(client).catch(() => this.#drop(client));
      throw cause;
    }
  }

  /** `first` goes in front of what the flush writes. */
  async #commit(
    client: Client,
    flush: Flush,
    first: (transaction: Transaction) => Promise<unknown>[] = () => [],
  ): Promise<Flushed> {
    if (this.#client !== client)
      throw new PostgresError("lost", new Error("the connection ended in between"));
    const transaction = new Transaction(client);
    try {
      const [flushed] = await inOneWrite(client, () => {
        const ahead = first(transaction);
        return Promise.all([flush.write(transaction), commit.run(transaction), ...ahead]);
      });
      flush.remember(this.#known);
      if (flushed.news.size > 0) this.#announcer.soon();
      return flushed;
    } catch (error) {
      const cause = transaction.causeOf(error);
      if (!isFailure(cause, "lost", "unreachable")) throw cause;
      this.#drop(client);
      throw new StoreError("unavailable", "PostgreSQL was lost while committing: the outcome is unknown", {
        cause,
      });
    }
  }

  async #connect(): Promise<Client> {
    const client = await this.#connector.connect({ pipeline: true });
    client.once("error", () => this.#drop(client)).once("end", () => this.#drop(client));
    this.#client = client;
    const [row] = await backend.run(client);
    this.#processId = row?.pid ?? 0;
    return client;
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = undefined;
    void client.end();
  }
}

/** What is sent before `send` returns leaves as one packet: the server is woken once for all of it. */
function inOneWrite<T>({ connection }: Client, send: () => Promise<T>): Promise<T> {
  connection.stream.cork();
  try {
    return send();
  } finally {
    connection.stream.uncork();
  }
}
