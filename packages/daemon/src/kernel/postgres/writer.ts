import type { Client } from "pg";
import { StoreError } from "../store.ts";
import type { Connector } from "./connector.ts";
import { isFailure, PostgresError } from "./errors.ts";
import { type EncodedCommit, Flush, type Flushed } from "./flush.ts";
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
 * The one connection that commits. A flush takes two round trips: begin and load, write and commit.
 *
 * Until the second one is sent nothing can have landed: a flush whose connection ends is made again on another,
 * where its guards are looked at again. After that it may have landed, and is never made again: when the connection
 * ends before the answer, the callers are told that the outcome is unknown, and have to look.
 */
export class Writer {
  readonly #connector: Connector;
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
    await this.#client?.end();
    this.#client = undefined;
  }

  async #attempt(commits: readonly EncodedCommit[]): Promise<Flushed> {
    const client = this.#client ?? (await this.#connect());
    const flush = new Flush(commits);
    await this.#load(client, flush);
    return await this.#commit(client, flush);
  }

  async #load(client: Client, flush: Flush): Promise<void> {
    const transaction = new Transaction(client);
    try {
      await Promise.all([begin.run(transaction), flush.load(transaction)]);
    } catch (error) {
      const cause = transaction.causeOf(error);
      if (isFailure(cause, "lost", "unreachable")) this.#drop(client);
      else await rollback.run(client).catch(() => this.#drop(client));
      throw cause;
    }
  }

  async #commit(client: Client, flush: Flush): Promise<Flushed> {
    if (this.#client !== client)
      throw new PostgresError("lost", new Error("the connection ended in between"));
    const transaction = new Transaction(client);
    try {
      const [flushed] = await Promise.all([flush.write(transaction), commit.run(transaction)]);
      if (flushed.news.size > 0) announce.run(client).catch(() => undefined);
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
