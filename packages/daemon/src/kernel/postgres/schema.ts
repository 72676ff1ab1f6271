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
    const known = newestOf(migrations);
    const isBehind = (await versionUpTo(client, connector.schema, known)) < known;
    if (isBehind) await applyMissing(client, connector.schema, migrations, nowMs);
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

/** The schema's version, 0 when it is not there yet. Refuses what a newer binary has written. */
async function versionUpTo(client: Client, schema: string, known: number): Promise<number> {
  const { rows: tables } = await client.query("SELECT to_regclass('schema_migrations') AS name");
  if (tables[0]?.name === null) return 0;
  const { rows } = await client.query("SELECT coalesce(max(version), 0) AS version FROM schema_migrations");
  const found: number = rows[0]?.version;
  if (found > known)
    throw new StoreError(
      "newer_schema",
      `schema ${schema} has version ${found}, this binary knows versions up to ${known}: use a newer Kheish`,
    );
  return found;
}

/**
 * Of many daemons that start on an empty database one migrates it: the others wait for the lock, which the end of
 * its session sets free, and look again. The lock is not a transaction's, because a transaction that has waited
 * still knows the catalogue as it was before.
 */
async function applyMissing(
  client: Client,
  schema: string,
  migrations: readonly Migration[],
  nowMs: number,
): Promise<void> {
  await client.query("SELECT pg_advisory_lock(hashtextextended('kheish.migrations.' || $1, 0))", [schema]);
  const found = await versionUpTo(client, schema, newestOf(migrations));
  for (const migration of migrations.filter(({ version }) => version > found))
    await apply(client, schema, migration, nowMs);
}

/** One transaction, which the version row opens. */
async function apply(
  client: Client,
  schema: string,
  { version, sql }: Migration,
  nowMs: number,
): Promise<void> {
  await client.query("BEGIN");
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`);
  await client.query(
    "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, applied_at_ms bigint NOT NULL)",
  );
  await client.query("INSERT INTO schema_migrations (version, applied_at_ms) VALUES ($1, $2)", [
    version,
    nowMs,
  ]);
  await client.query(sql);
  await client.query("COMMIT");
}

function newestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}
