import type { QueryConfig, QueryResult } from "pg";
import { queryFailure } from "./errors.ts";
import type { Session } from "./statement.ts";

/**
 * A connection for the time of one transaction, with many statements on their way at once. When one of them fails,
 * so do all behind it, and say no more than that; this remembers what the first one said.
 */
export class Transaction implements Session {
  readonly #connection: Session;
  #firstFailure: unknown;

  constructor(connection: Session) {
    this.#connection = connection;
  }

  query(query: QueryConfig): Promise<QueryResult> {
    const answer = this.#connection.query(query);
    answer.catch((error: unknown) => {
      this.#firstFailure ??= queryFailure(error);
    });
    return answer;
  }

  /** Why the transaction failed, when `error` is how it was noticed. */
  causeOf(error: unknown): unknown {
    return this.#firstFailure ?? error;
  }
}
