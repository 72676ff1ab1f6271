import { DatabaseError } from "pg";
import { StoreError } from "../store.ts";

/**
 * What a failure means for the transaction that it met:
 * - `conflict`: rolled back, others were in the way; another attempt may land
 * - `stale`: rolled back because a row is not as it was taken to be
 * - `statement`: rolled back because one of its statements failed; what shared the transaction may land without it
 * - `cancelled`: rolled back because it took too long
 * - `lost`: its connection ended; on another it may be tried again, if it had not come to the commit
 * - `unreachable`: no server answers
 */
type Failure = "conflict" | "stale" | "statement" | "cancelled" | "lost" | "unreachable";

/** A failure of PostgreSQL, or of the way to it. */
export class PostgresError extends StoreError {
  readonly failure: Failure;

  constructor(failure: Failure, cause: Error, code: StoreError["code"] = "unavailable") {
    super(code, `PostgreSQL: ${cause.message || cause.name}`, { cause });
    this.failure = failure;
  }
}

/** Deadlock, serialization failure, and a unique key that another transaction was the first to add. */
const CONFLICT = /^(40P01|40001|23505)$/;
/** Division by zero: how a statement that verifies says no. */
const STALE = /^22012$/;
const CANCELLED = /^57014$/;
/**
 * Class 08, operator intervention, the timeouts that end a session, and a server that has become a read-only standby:
 * the connection is of no more use, another may reach the server that took over.
 */
const LOST = /^(08...|57P0.|25P0[34]|25006)$/;
const DISK_FULL = /^53100$/;
const CORRUPTED = /^XX00[12]$/;

/** The driver has no codes for a connection that ended under a query; these are its words. */
const LOST_WORDS = /^Connection terminated( unexpectedly)?$|is not queryable$/;
const LOST_CODES = /^(ECONNRESET|EPIPE)$/;

/** What a query threw, as the port says it. */
export function queryFailure(error: unknown): unknown {
  if (error instanceof DatabaseError) return databaseFailure(error, error.code ?? "");
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const isLost = LOST_WORDS.test(error.message) || LOST_CODES.test(code);
  return new PostgresError(isLost ? "lost" : "unreachable", error);
}

/** What an attempt to connect threw: whatever a server answers to a greeting, it is not there for us. */
export function connectFailure(error: unknown): unknown {
  return error instanceof Error ? new PostgresError("unreachable", error) : error;
}

export function isFailure(error: unknown, ...failures: readonly Failure[]): boolean {
  return error instanceof PostgresError && failures.includes(error.failure);
}

function databaseFailure(error: DatabaseError, state: string): PostgresError {
  if (CONFLICT.test(state)) return new PostgresError("conflict", error);
  if (STALE.test(state)) return new PostgresError("stale", error);
  if (CANCELLED.test(state)) return new PostgresError("cancelled", error);
  if (LOST.test(state)) return new PostgresError("lost", error);
  if (DISK_FULL.test(state)) return new PostgresError("statement", error, "full");
  if (CORRUPTED.test(state)) return new PostgresError("statement", error, "corrupt");
  return new PostgresError("statement", error);
}
