/**
 * A store's content apart from its engine: what a backup holds and a restore loads, on either engine.
 *
 * Rows are arrays of cells in the order of these columns; JSON stays the text that it is. Left out is whatever dies
 * with the daemons that wrote it: who holds a lease or a claim. A claimed item comes back as if its owner had died,
 * its attempt counted; a lease comes back as the number that its next holder must exceed (K6).
 */
export const SNAPSHOT_COLUMNS = {
  events: ["position", "stream", "seq", "type", "at_ms", "data"],
  records: ["kind", "id", "revision", "data", "keys"],
  queue_items: ["queue", "key", "payload", "due_at_ms", "attempts", "last_error"],
  dead_letters: ["queue", "key", "payload", "due_at_ms", "attempts", "last_error"],
  leases: ["name", "token"],
  sequences: ["name", "next"],
} as const;

export type SnapshotTable = keyof typeof SNAPSHOT_COLUMNS;
export const SNAPSHOT_TABLES = Object.keys(SNAPSHOT_COLUMNS) as readonly SnapshotTable[];

export type Cell = string | number | null;
export type SnapshotRow = readonly Cell[];

/**
 * The newest schema whose rows mean what the columns above say, on both engines. Whoever adds a migration decides
 * here whether older snapshots still load as they are; a test holds this number against the migrations.
 */
export const SNAPSHOT_SCHEMA_VERSION = 1;

/** In SQLite leases and claims draw their tokens from this sequence; in PostgreSQL from its own. */
export const TOKEN_SEQUENCE = "kernel.tokens";

/** One moment of a store, read while others write. */
export interface SnapshotSource {
  readonly engine: "sqlite" | "postgres";
  readonly schemaVersion: number;
  /** Pages of about a quarter of a megabyte, read as they are asked for. */
  pages(table: SnapshotTable): AsyncIterable<SnapshotRow[]>;
  /** Lets go of the moment; what is being read ends. */
  close(): Promise<void>;
}

/** An empty store that is being filled. Nothing counts before `finish` has resolved. */
export interface SnapshotTarget {
  add(table: SnapshotTable, rows: readonly SnapshotRow[]): Promise<void>;
  /** Everything is on the disk when this resolves. */
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

/** One is made without a pause, so it bounds how long the daemon waits for a backup of itself. */
const PAGE_BYTES = 2 ** 18;

/** Gathers rows into pages by what they weigh. */
export function* pagesOf(rows: Iterable<SnapshotRow>): Generator<SnapshotRow[]> {
  let page: SnapshotRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    page.push(row);
    bytes += row.reduce<number>((sum, cell) => sum + (typeof cell === "string" ? cell.length : 8), 0);
    if (bytes < PAGE_BYTES) continue;
    yield page;
    page = [];
    bytes = 0;
  }
  if (page.length > 0) yield page;
}
