import { type Clock, systemClock } from "../clock.ts";
import type { Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { SqliteStore } from "./store.ts";

/** Opens the embedded store; `clock` only dates the migrations. */
export async function openSqliteStore(options: { path: string; clock?: Clock }): Promise<Store> {
  const { path, clock = systemClock } = options;
  const { db, schemaVersion } = openDatabase(path, clock);
  return new SqliteStore(db, path, schemaVersion);
}
export { openSqliteSnapshot, openSqliteTarget } from "./snapshot.ts";
