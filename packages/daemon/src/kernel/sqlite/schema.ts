import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../store.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";
import { Query } from "./query.ts";

/** The number of the newest migration this file has seen; 0 for a new file. */
export function newestVersion(db: DatabaseSync, path: string): number {
  const tables = new Query<[], { name: string }>(db, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  const names = tables.all().map((table) => table.name);
  if (names.length === 0) return 0;
  if (!names.includes("schema_migrations"))
    throw new StoreError("corrupt", `${path} is an SQLite database, but not a Kheish store`);
  const newest = new Query<[], { version: number | null }>(
    db,
    "SELECT max(version) AS version FROM schema_migrations",
  );
  return newest.get()?.version ?? 0;
}

/** Refuses a store that a newer binary has written: what it means by its rows is unknown here. */
export function refuseNewerSchema(
  found: number,
  path: string,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const known = newestOf(migrations);
  if (found > known)
    throw new StoreError(
      "newer_schema",
      `${path} has schema version ${found}, this binary knows versions up to ${known}: use a newer Kheish`,
    );
}

/** Applies what is missing, each migration in one transaction that its version row opens. */
export function migrate(
  db: DatabaseSync,
  path: string,
  nowMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
): number {
  const found = newestVersion(db, path);
  refuseNewerSchema(found, path, migrations);
  for (const migration of migrations.filter(({ version }) => version > found)) apply(db, migration, nowMs);
  return newestOf(migrations);
}

/** Refuses a file that lost a part of its schema; what others have added to it (an index for a report) is theirs. */
export function verifySchema(db: DatabaseSync, path: string): void {
  const fresh = new DatabaseSync(":memory:");
  try {
    migrate(fresh, ":memory:", 0);
    const present = new Set(definitions(db));
    const lost = definitions(fresh).find((definition) => !present.has(definition));
    if (lost !== undefined) throw new StoreError("corrupt", `${path} lacks a part of its schema: ${lost}`);
  } finally {
    fresh.close();
  }
}

function definitions(db: DatabaseSync): string[] {
  const schema = new Query<[], { sql: string }>(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
  return schema.all().map(({ sql }) => sql);
}

function apply(db: DatabaseSync, migration: Migration, nowMs: number): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT",
    );
    db.prepare("INSERT INTO schema_migrations (version, applied_at_ms) VALUES (?, ?)").run(
      migration.version,
      nowMs,
    );
    db.exec(migration.sql);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function newestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}
