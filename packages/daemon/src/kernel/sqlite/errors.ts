import { StoreError } from "../store.ts";

/** SQLite's primary result codes that mean something to whoever holds the store; the rest is `unavailable`. */
const CODES: Record<number, StoreError["code"]> = {
  5: "locked", // SQLITE_BUSY
  6: "locked", // SQLITE_LOCKED
  11: "corrupt", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL, also for ENOSPC
  26: "corrupt", // SQLITE_NOTADB
};

/** What SQLite threw, as the port says it; anything else is a bug and stays what it is. */
export function asStoreError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return error;
  const resultCode = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
  const code = CODES[resultCode] ?? "unavailable";
  return new StoreError(code, `${path}: ${error.message}`, { cause: error });
}
