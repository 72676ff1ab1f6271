import { tracingChannel } from "node:diagnostics_channel";

/** What one transaction of a store was about. */
export interface Flush {
  /** Commits that share it. */
  commits: number;
}

/**
 * Where whoever measures this process can look at its stores, through Node's own diagnostics channels:
 * nothing is measured, and nothing is paid, while nobody does.
 */
export const FLUSH_CHANNEL = "kheish.store.flush";
/** Its last statement, in which SQLite syncs the write-ahead log. */
export const SYNC_CHANNEL = "kheish.store.sync";

export const flushes = tracingChannel<Flush>(FLUSH_CHANNEL);
export const syncs = tracingChannel<object>(SYNC_CHANNEL);
