import { channel } from "node:diagnostics_channel";

/** One transaction of a store. */
export interface Flush {
  /** Commits that shared it. */
  commits: number;
  ms: number;
}

/** Its last statement, in which SQLite syncs the write-ahead log. */
export interface Sync {
  ms: number;
}

/**
 * Where whoever measures this process can look at its stores, through Node's own diagnostics channels: a `Flush` on the
 * one, a `Sync` on the other, also of a store that has a thread of its own.
 */
export const FLUSH_CHANNEL = "kheish.store.flush";
export const SYNC_CHANNEL = "kheish.store.sync";

const flushes = channel(FLUSH_CHANNEL);
const syncs = channel(SYNC_CHANNEL);

export function publishFlush(flush: Flush): void {
  flushes.publish(flush);
}

export function publishSync(sync: Sync): void {
  syncs.publish(sync);
}
