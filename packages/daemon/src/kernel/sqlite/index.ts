import { type Clock, systemClock } from "../clock.ts";
import type { Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { SqliteStore } from "./store.ts";
import { type MovingOptions, MovingStore } from "./thread/moving-store.ts";

/** Opens the embedded store; `clock` only dates the migrations. */
export async function openSqliteStore(options: { path: string; clock?: Clock }): Promise<Store> {
  const { path, clock = systemClock } = options;
  const { db, schemaVersion } = openDatabase(path, clock);
  return new SqliteStore(db, path, schemaVersion);
}

/** Opens the embedded store of a daemon, which takes a thread of its own while it is what others wait for. */
export async function openMovingStore({
  clock = systemClock,
  ...options
}: Omit<MovingOptions, "clock"> & { clock?: Clock }): Promise<MovingStore> {
  return new MovingStore({ ...options, clock });
}

export { openSqliteSnapshot, openSqliteTarget } from "./snapshot.ts";
