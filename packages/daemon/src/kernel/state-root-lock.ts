import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { asStoreError } from "./sqlite/errors.ts";
import { Standing } from "./sqlite/standing.ts";
import { StoreError } from "./store.ts";

/** What status shows of the lock (01-R77). */
export interface StateRootLock {
  readonly path: string;
  /** Also not when the root was moved or deleted since: whoever looks for it there finds another, or none. */
  readonly held: boolean;
  readonly mechanism: string;
}

const MECHANISM = "sqlite-exclusive";

/** A connection that is collected as garbage would take its lock along; these are kept until they are released. */
const connections = new Set<DatabaseSync>();

/**
 * Locks the root for this process (01-R97).
 *
 * Node has no file lock, but SQLite has one on every platform: the exclusive transaction on `daemon.lock.db`
 * is a lock of the operating system, which falls with the process however that dies. Nothing is ever written
 * to that file; `daemon.lock` beside it tells people who holds the lock, and means nothing without it.
 */
export async function acquireLock(root: string): Promise<{ state: StateRootLock; release(): Promise<void> }> {
  const path = join(root, "daemon.lock");
  const connection = await lockedConnection(root, path);
  connections.add(connection);
  const standing = new Standing(`${path}.db`);
  const release = async () => {
    if (!connections.delete(connection)) return;
    // What the file says means nothing without the lock, so it may also stay.
    await rm(path, { force: true }).catch(() => undefined);
    connection.close();
  };
  try {
    await writeFile(path, `pid=${process.pid}\nmechanism=${MECHANISM}\n`, { mode: 0o600 });
  } catch (error) {
    await release();
    throw error;
  }
  const state = {
    path,
    mechanism: MECHANISM,
    get held() {
      return connection.isOpen && standing.isTheFile();
    },
  };
  return { state, release };
}

async function lockedConnection(root: string, path: string): Promise<DatabaseSync> {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(`${path}.db`, { timeout: 0 });
    connection.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return connection;
  } catch (error) {
    connection?.close();
    const failure = asStoreError(error, `${path}.db`);
    if (!(failure instanceof StoreError) || failure.code !== "locked") throw failure;
    throw new StoreError("locked", `${root} is in use by ${await holderOf(path)}`, { cause: error });
  }
}

async function holderOf(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  const pid = /^pid=(\d+)$/m.exec(text)?.[1];
  return pid === undefined ? "another process" : `process ${pid}`;
}
