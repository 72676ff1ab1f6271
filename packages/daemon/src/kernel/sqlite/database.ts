import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { StoreError } from "../store.ts";
import { asStoreError } from "./errors.ts";
import { migrate, newestVersion, refuseNewerSchema, verifySchema } from "./schema.ts";

const BUSY_TIMEOUT_MS = 5_000;

/**
 * `synchronous = FULL` syncs the WAL before a commit is acknowledged, and on macOS only `fullfsync` reaches the disk
 * itself (K1). The WAL is copied into the file every 16 MB instead of every 4, as the same few pages are written again and
 * again, and is cut back to `journal_size_limit` after a burst has made it long.
 */
const PRAGMAS = `
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA journal_size_limit = ${64 * 2 ** 20};
`;

/** Opens the file, brings its schema up to date, and refuses one that is damaged, foreign or newer. */
export function openDatabase(path: string, clock: Clock): { db: DatabaseSync; schemaVersion: number } {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(path)) createPrivately(path);
    else if (!existsSync(`${path}-journal`)) inspect(path);
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    useWriteAheadLog(db, path);
    db.exec(PRAGMAS);
    const schemaVersion = migrate(db, path, clock.now());
    verifySchema(db, path);
    return { db, schemaVersion };
  } catch (error) {
    db?.close();
    throw asStoreError(error, path);
  }
}

/**
 * A new store is its owner's alone, also in a folder that others may read. SQLite would ask the umask, and gives the WAL
 * the mode of the file itself.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch {
    // What keeps it from being made keeps SQLite from opening it, which names it.
  }
}

/**
 * Looks before anything is written: a store that this binary must refuse stays as it is, byte for byte.
 * A file with a rollback journal cannot be looked at, and is no store yet: its creation was cut off before the WAL.
 */
function inspect(path: string): void {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    refuseNewerSchema(newestVersion(db, path), path);
  } finally {
    db.close();
  }
}

/** Without a WAL (some network file systems have none) commits would be neither fast nor what K1 is tested on. */
function useWriteAheadLog(db: DatabaseSync, path: string): void {
  const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal")
    throw new StoreError(
      "unavailable",
      `${path}: SQLite keeps journal mode ${mode} here; use a local file system`,
    );
}
