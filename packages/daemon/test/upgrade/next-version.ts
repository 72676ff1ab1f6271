import type { Migration } from "../../src/kernel/sqlite/migrations.ts";

/**
 * A made-up version that comes after the released ones: a table is built anew with a column more, whose values
 * come from the rows, and the code of today works on it as before.
 */
export const SQLITE_NEXT: readonly string[] = [
  `CREATE TABLE records_next (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     revision INTEGER NOT NULL,
     data TEXT NOT NULL,
     keys TEXT NOT NULL,
     bytes INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (kind, id)
   ) STRICT`,
  `INSERT INTO records_next
   SELECT kind, id, revision, data, keys, octet_length(data) FROM records ORDER BY rowid`,
  "DROP TABLE records",
  "ALTER TABLE records_next RENAME TO records",
  "CREATE INDEX records_by_size ON records (bytes)",
];

export const POSTGRES_NEXT: readonly string[] = [
  `CREATE TABLE records_next (
     kind text COLLATE "C" NOT NULL,
     id text COLLATE "C" NOT NULL,
     revision bigint NOT NULL,
     data text NOT NULL,
     keys text NOT NULL,
     bytes bigint NOT NULL DEFAULT 0,
     PRIMARY KEY (kind, id)
   ) WITH (fillfactor = 70)`,
  "INSERT INTO records_next SELECT kind, id, revision, data, keys, octet_length(data) FROM records",
  "DROP TABLE records",
  "ALTER TABLE records_next RENAME TO records",
  "ALTER INDEX records_next_pkey RENAME TO records_pkey",
  "CREATE INDEX records_by_size ON records (bytes)",
];

/** The migrations of a Kheish that knows one version more. */
export function withNext(released: readonly Migration[], statements: readonly string[]): Migration[] {
  const version = (released.at(-1)?.version ?? 0) + 1;
  return [...released, { version, sql: statements.join(";\n") }];
}
