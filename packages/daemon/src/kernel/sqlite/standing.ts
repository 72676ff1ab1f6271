import { statSync } from "node:fs";
import { StoreError } from "../store.ts";

/** What SQLite cuts a log back to that a burst has made longer. */
export const KEPT_LOG_BYTES = 64 * 2 ** 20;

/**
 * Whether the files that a store has open are still the ones that its path names. An open file outlives its name: what
 * is written to a store whose folder was deleted, or moved to where no daemon looks for it, is kept for nobody, and SQLite
 * does not notice; nor does it notice that somebody cut off what it wrote. So whoever acknowledges asks here first (K1).
 *
 * To be made while the file is open: as long as it is, no other can have its number.
 */
export class Standing {
  readonly #path: string;
  #file: Found | undefined;
  #log: Found | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#file = find(path);
    this.#log = find(`${path}-wal`);
  }

  /** Throws `unavailable` where the file, or the log that the newest commits stand in, is gone, another or cut short. */
  mustStand(): void {
    const log = find(`${this.#path}-wal`);
    // SQLite makes the log with the first write, and keeps it until the last connection closes.
    if (this.#log !== undefined && !isStill(this.#log, log, KEPT_LOG_BYTES)) throw this.#lost();
    const file = find(this.#path);
    if (!isStill(this.#file, file)) throw this.#lost();
    this.#log = log;
    this.#file = file;
  }

  /** The same of the file alone, for whoever opens it anew. */
  mustBeTheFile(): void {
    if (!this.isTheFile()) throw this.#lost();
  }

  isTheFile(): boolean {
    return isStill(this.#file, find(this.#path));
  }

  #lost(): StoreError {
    const what = "was moved, deleted, replaced or cut short while this daemon has it open";
    const next = "put it back as it was, or stop the daemon and start it on what there is";
    return new StoreError("unavailable", `${this.#path} ${what}: nothing is accepted; ${next}`);
  }
}

interface Found {
  device: bigint;
  inode: bigint;
  bytes: bigint;
}

function find(path: string): Found | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && { device: stats.dev, inode: stats.ino, bytes: stats.size };
}

/** SQLite itself never makes a file smaller than `keptBytes`. */
function isStill(
  before: Found | undefined,
  now: Found | undefined,
  keptBytes = Number.POSITIVE_INFINITY,
): boolean {
  if (before === undefined || now === undefined) return false;
  const isCut = now.bytes < before.bytes && now.bytes < keptBytes;
  return now.device === before.device && now.inode === before.inode && !isCut;
}
