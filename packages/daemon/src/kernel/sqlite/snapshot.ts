import { open } from "node:fs/promises";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, systemClock } from "../clock.ts";
import {
  pagesOf,
  SNAPSHOT_COLUMNS,
  SNAPSHOT_TABLES,
  type SnapshotRow,
  type SnapshotSource,
  type SnapshotTable,
  type SnapshotTarget,
  TOKEN_SEQUENCE,
} from "../snapshot.ts";
import { openDatabase } from "./database.ts";
import { asStoreError } from "./errors.ts";
import { newestVersion, refuseNewerSchema } from "./schema.ts";

const BUSY_TIMEOUT_MS = 5_000;

const SELECTIONS: Record<SnapshotTable, string> = {
  events: `SELECT position, name, seq, type, at_ms, data
           FROM events JOIN streams ON streams.id = stream_id ORDER BY position`,
  records: "SELECT kind, id, revision, data, keys FROM records ORDER BY kind, id",
  queue_items: "SELECT queue, key, payload, due_at_ms, attempts, last_error FROM queue_items ORDER BY rowid",
  dead_letters: "SELECT queue, key, payload, due_at_ms, attempts, last_error FROM dead_letters ORDER BY id",
  leases: "SELECT name, token FROM leases ORDER BY name",
  sequences: "SELECT name, next FROM sequences ORDER BY name",
};

/**
 * A read transaction of its own beside the store's connection: writers go on, the WAL keeps what this still sees.
 * It must not stay open for ever, because the WAL cannot be cut back meanwhile.
 */
export function openSqliteSnapshot(path: string): SnapshotSource {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const schemaVersion = newestVersion(db, path);
    refuseNewerSchema(schemaVersion, path);
    db.exec("BEGIN");
    // The moment is that of the first read, not of BEGIN.
    db.prepare("SELECT 1 FROM schema_migrations LIMIT 1").get();
    return {
      engine: "sqlite",
      schemaVersion,
      pages: (table) => pagesFrom(db, path, table),
      close: async () => {
        if (db.isOpen) db.close();
      },
    };
  } catch (error) {
    db.close();
    throw asStoreError(error, path);
  }
}

async function* pagesFrom(
  db: DatabaseSync,
  path: string,
  table: SnapshotTable,
): AsyncGenerator<SnapshotRow[]> {
  try {
    const statement = db.prepare(SELECTIONS[table]);
    statement.setReturnArrays(true);
    yield* pagesOf(statement.iterate() as Iterable<unknown> as Iterable<SnapshotRow>);
  } catch (error) {
    throw asStoreError(error, path);
  }
}

const INSERTIONS: Partial<Record<SnapshotTable, string>> = {
  records: "INSERT INTO records (kind, id, revision, data, keys) VALUES (?, ?, ?, ?, ?)",
  queue_items: `INSERT INTO queue_items (queue, key, payload, due_at_ms, attempts, last_error, ready_at_ms, token)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4, 0)`,
  dead_letters: `INSERT INTO dead_letters (queue, key, payload, due_at_ms, attempts, last_error)
                 VALUES (?, ?, ?, ?, ?, ?)`,
  sequences: "INSERT INTO sequences (name, next) VALUES (?, ?)",
};

/**
 * Fills a new store file. It is not safe from a crash until `finish`: whoever restores sees to it that nobody takes
 * a file for a store before.
 */
export function openSqliteTarget(path: string, clock: Clock = systemClock): SnapshotTarget {
  const { db } = openDatabase(path, clock);
  db.exec("PRAGMA synchronous = OFF");
  return new SqliteTarget(db, path);
}

class SqliteTarget implements SnapshotTarget {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #insertions = new Map<SnapshotTable, StatementSync>();
  readonly #findStream;
  readonly #addStream;
  readonly #addEvent;
  #newestToken = 0;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    for (const table of SNAPSHOT_TABLES) {
      const sql = INSERTIONS[table];
      if (sql !== undefined) this.#insertions.set(table, db.prepare(sql));
    }
    this.#findStream = db.prepare("SELECT id FROM streams WHERE name = ?");
    this.#addStream = db.prepare("INSERT INTO streams (name) VALUES (?)");
    this.#addEvent = db.prepare(
      "INSERT INTO events (position, stream_id, seq, type, at_ms, data) VALUES (?, ?, ?, ?, ?, ?)",
    );
  }

  async add(table: SnapshotTable, rows: readonly SnapshotRow[]): Promise<void> {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (const row of rows) this.#insert(table, row);
      this.#db.exec("COMMIT");
    } catch (error) {
      throw asStoreError(error, this.#path);
    }
  }

  async finish(): Promise<void> {
    try {
      this.#db.exec(`
        BEGIN IMMEDIATE;
        INSERT INTO record_index (kind, name, key, id)
          SELECT records.kind, entry.key, entry.value, records.id FROM records, json_each(records.keys) AS entry;
        INSERT INTO sequences (name, next) VALUES ('${TOKEN_SEQUENCE}', ${this.#newestToken + 1})
          ON CONFLICT (name) DO UPDATE SET next = max(next, excluded.next);
        COMMIT;
        PRAGMA synchronous = FULL;
        PRAGMA wal_checkpoint(TRUNCATE);
      `);
    } catch (error) {
      throw asStoreError(error, this.#path);
    } finally {
      this.#db.close();
    }
    // Pages that reached the file while `synchronous` was off have not been synced by anybody.
    const file = await open(this.#path, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async abandon(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #insert(table: SnapshotTable, row: SnapshotRow): void {
    if (table === "events") this.#insertEvent(row);
    else if (table === "leases") this.#newestToken = Math.max(this.#newestToken, Number(row[1]));
    else this.#insertions.get(table)?.run(...row.slice(0, SNAPSHOT_COLUMNS[table].length));
  }

  #insertEvent([position = null, stream = null, ...rest]: SnapshotRow): void {
    const known = this.#findStream.get(stream) as { id: number } | undefined;
    const id = known?.id ?? this.#addStream.run(stream).lastInsertRowid;
    this.#addEvent.run(position, id, ...rest);
  }
}
