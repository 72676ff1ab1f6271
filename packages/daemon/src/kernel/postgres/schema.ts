import { type Client, escapeIdentifier } from "pg";
import { StoreError } from "../store.ts";
import type { Connector } from "./connector.ts";
import { queryFailure } from "./errors.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";

/** Brings the schema up to date and answers its version; refuses one that is newer, or that cannot hold our text. */
export async function migrate(
  connector: Connector,
  nowMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number> {
  // A migration may take its time, and so may the wait for whoever else is at it.
  const client = await connector.connect({ statement_timeout: false, query_timeout: 0 });
  try {
    await refuseForeignEncoding(client);
    const known = migrations.at(-1)?.version ?? 0;
    const found = await newestVersion(client);
    if (found > known)
      throw new StoreError(
        "newer_schema",
        `schema ${connector.schema} has version ${found}, this binary knows versions up to ${known}: use a newer Kheish`,
      );
    for (const migration of migrations)
      if (migration.version > found) await apply(client, connector.schema, migration, nowMs);
    return known;
  } catch (error) {
    throw error instanceof StoreError ? error : queryFailure(error);
  } finally {
    await client.end();
  }
}

/** Names sort by their UTF-8 bytes, and JSON holds any character. */
async function refuseForeignEncoding(client: Client): Promise<void> {
  const { rows } = await client.query("SELECT current_setting('server_encoding') AS encoding");
  const encoding = rows[0]?.encoding;
  if (encoding !== "UTF8")
    throw new StoreError("unavailable", `the database is encoded in ${encoding}; Kheish needs one in UTF8`);
}

/** 0 when the schema is not there yet. */
async function newestVersion(client: Client): Promise<number> {
  const { rows: tables } = await client.query("SELECT to_regclass('schema_migrations') AS name");
  if (tables[0]?.name === null) return 0;
  const { rows } = await client.query("SELECT coalesce(max(version), 0) AS version FROM schema_migrations");
  return rows[0]?.version;
}

/**
 * One transaction, which its version row opens. Of many daemons that start on an empty database one applies it;
 * the others wait for the lock, and then find that it has been done.
 */
async function apply(
  client: Client,
  schema: string,
  { version, sql }: Migration,
  nowMs: number,
): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended('kheish.migrations.' || $1, 0))", [
      schema,
    ]);
    if ((await newestVersion(client)) < version) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`);
      await client.query(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, applied_at_ms bigint NOT NULL)",
      );
      await client.query("INSERT INTO schema_migrations (version, applied_at_ms) VALUES ($1, $2)", [
        version,
        nowMs,
      ]);
      await client.query(sql);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}
