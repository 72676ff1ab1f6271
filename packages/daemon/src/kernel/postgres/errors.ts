import { DatabaseError } from "pg";
import { StoreError } from "../store.ts";

/**
 * What may help after a failure:
 * - `retry`: other transactions were in the way and this one was rolled back
 * - `reconnect`: the connection ended; another may work
 * - `isolate`: the statement itself failed; without its neighbours in the transaction each of them may land
 * - `none`: there is no server to talk to
 */
type Remedy = "retry" | "reconnect" | "isolate" | "none";

/** A failure of PostgreSQL, or of the way to it. */
export class PostgresError extends StoreError {
  readonly remedy: Remedy;

  constructor(code: StoreError["code"], remedy: Remedy, cause: Error) {
    super(code, `PostgreSQL: ${cause.message || cause.name}`, { cause });
    this.remedy = remedy;
  }
}

/**
 * SQLSTATEs that mean something to us: deadlock, serialization failure and a unique key that another transaction
 * was first to insert; disk full; corrupted data and index.
 */
const CONFLICTS = new Set(["40P01", "40001", "23505"]);
const DISK_FULL = "53100";
const CORRUPTED = new Set(["XX001", "XX002"]);

/** Class 08, operator intervention but for a cancelled query, and the timeouts that end a session. */
const SESSION_ENDED = /^(08...|57P0.|25P0[34])$/;

/** The driver has no codes for a connection that ended under a query; these are its words. */
const ENDED_WORDS = /^Connection terminated( unexpectedly)?$|is not queryable$/;
const ENDED_CODES = new Set(["ECONNRESET", "EPIPE"]);

/** Sorts what a query threw. */
export function queryFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof DatabaseError))
    return new PostgresError("unavailable", isConnectionEnd(error) ? "reconnect" : "none", error);
  const state = error.code ?? "";
  if (CONFLICTS.has(state)) return new PostgresError("unavailable", "retry", error);
  if (SESSION_ENDED.test(state)) return new PostgresError("unavailable", "reconnect", error);
  if (state === DISK_FULL) return new PostgresError("full", "isolate", error);
  if (CORRUPTED.has(state)) return new PostgresError("corrupt", "isolate", error);
  return new PostgresError("unavailable", "isolate", error);
}

/** Whatever a server answers to a greeting, it is not there for us. */
export function connectFailure(error: unknown): unknown {
  return error instanceof Error ? new PostgresError("unavailable", "none", error) : error;
}

/** Whether `error` is a failure that `remedy` may help against. */
export function isHelpedBy(remedy: Remedy, error: unknown): boolean {
  return error instanceof PostgresError && error.remedy === remedy;
}

function isConnectionEnd(error: Error): boolean {
  return ENDED_WORDS.test(error.message) || ("code" in error && ENDED_CODES.has(String(error.code)));
}
