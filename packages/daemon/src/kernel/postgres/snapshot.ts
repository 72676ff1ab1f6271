import type { Client } from "pg";
import { type Clock, systemClock } from "../clock.ts";
import {
  type Cell,
  SNAPSHOT_COLUMNS,
  type SnapshotRow,
  type SnapshotSource,
  type SnapshotTable,
  type SnapshotTarget,
  TOKEN_SEQUENCE,
} from "../snapshot.ts";
import { StoreError } from "../store.ts";
import { Connector } from "./connector.ts";
import { queryFailure } from "./errors.ts";
import { TOKENS_PER_CLAIM } from "./queue-draft.ts";
import { migrate } from "./schema.ts";
import { BulkStatement } from "./statement.ts";

interface Place {
  url: string;
  schema?: string;
}

/** Rows of one fetch; their size is what their writers made it. */
const FETCH_ROWS = 200;

/** Of tokens there are two kinds, and one number speaks for both: one that is too large does no harm. */
const TOKENS = `
  SELECT greatest(
    (SELECT coalesce(max(token), 0) FROM leases),
    (SELECT last_value + 1 FROM queue_numbers) * ${TOKENS_PER_CLAIM}) + 1`;
const SELECTIONS: Record<SnapshotTable, string> = {
  events: `SELECT position, streams.name, seq, type, at_ms, data
           FROM events JOIN streams ON streams.id = stream_id ORDER BY position`,
  records: "SELECT kind, id, revision, data, keys FROM records ORDER BY kind, id",
  queue_items: `SELECT queue, key, payload, due_at_ms, attempts, last_error
                FROM queue_items WHERE buried_no IS NULL ORDER BY id`,
  dead_letters: `SELECT queue, key, payload, due_at_ms, attempts, last_error
                 FROM queue_items WHERE buried_no IS NOT NULL ORDER BY buried_no`,
  leases: "SELECT name, token FROM leases ORDER BY name",
  sequences: `SELECT name, next FROM sequences UNION ALL SELECT '${TOKEN_SEQUENCE}', (${TOKENS}) ORDER BY 1`,
};

/** A transaction that sees one moment of the whole schema, however long it takes to read it. */
export async function openPostgresSnapshot({ url, schema = "kheish" }: Place): Promise<SnapshotSource> {
  const client = await connectAtLeisure(new Connector(url, schema));
  try {
    const { rows } = await client.query("SELECT to_regclass('schema_migrations') AS name");
    if (rows[0]?.name === null) throw new StoreError("corrupt", `schema ${schema} holds no Kheish store`);
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const newest = await client.query("SELECT max(version) AS version FROM schema_migrations");
    return {
      engine: "postgres",
      schemaVersion: Number(newest.rows[0]?.version),
      pages: (table) => pagesFrom(client, table),
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error instanceof StoreError ? error : queryFailure(error);
  }
}

async function* pagesFrom(client: Client, table: SnapshotTable): AsyncGenerator<SnapshotRow[]> {
  try {
    await client.query(`DECLARE snapshot_${table} NO SCROLL CURSOR FOR ${SELECTIONS[table]}`);
    for (;;) {
      const text = `FETCH ${FETCH_ROWS} FROM snapshot_${table}`;
      const { rows } = await client.query<Cell[]>({ text, rowMode: "array" });
      if (rows.length === 0) break;
      yield rows;
    }
    await client.query(`CLOSE snapshot_${table}`);
  } catch (error) {
    throw queryFailure(error);
  }
}

/** Fills the schema, which must be there empty or not at all, in one transaction. */
export async function openPostgresTarget(place: Place, clock: Clock = systemClock): Promise<SnapshotTarget> {
  const { url, schema = "kheish" } = place;
  const connector = new Connector(url, schema);
  await migrate(connector, clock.now());
  const client = await connectAtLeisure(connector);
  try {
    await client.query("BEGIN");
    await client.query("LOCK TABLE events, records, queue_items, streams IN SHARE ROW EXCLUSIVE MODE");
    const { rows } = await client.query(
      "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM records) OR EXISTS (SELECT FROM queue_items) AS used",
    );
    if (rows[0]?.used === true)
      throw new StoreError(
        "unavailable",
        `schema ${schema} already holds a store: restore into an empty database`,
      );
    return new PostgresTarget(client);
  } catch (error) {
    await client.end();
    throw error instanceof StoreError ? error : queryFailure(error);
  }
}

const addStreams = new BulkStatement<readonly [string, number]>(
  "snapshot.streams",
  `INSERT INTO streams (name, last_seq) SELECT * FROM unnest($1::text[], $2::bigint[])
   ON CONFLICT (name) DO UPDATE SET last_seq = greatest(streams.last_seq, excluded.last_seq)`,
  (row) => [...row],
);
const addEvents = new BulkStatement<SnapshotRow>(
  "snapshot.events",
  `INSERT INTO events (position, stream_id, seq, type, at_ms, data)
   SELECT w.position, streams.id, w.seq, w.type, w.at_ms, w.data
   FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
     AS w (position, stream, seq, type, at_ms, data) JOIN streams ON streams.name = w.stream`,
  (row) => [...row],
);
const addRecords = new BulkStatement<SnapshotRow>(
  "snapshot.records",
  `INSERT INTO records (kind, id, revision, data, keys)
   SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])`,
  (row) => [...row],
);
const addKeys = new BulkStatement<SnapshotRow>(
  "snapshot.record-index",
  `INSERT INTO record_index (kind, name, key, id)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
  (row) => [...row],
);
const ITEM_VALUES =
  "unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[]) WITH ORDINALITY";
const ITEM_NAMES = "(queue, key, payload, due_at_ms, attempts, last_error, number)";
const addItems = new BulkStatement<SnapshotRow>(
  "snapshot.queue-items",
  `INSERT INTO queue_items (id, queue, key, payload, due_at_ms, ready_at_ms, attempts, token, last_error)
   SELECT nextval('queue_item_ids'), * FROM (
     SELECT queue, key, payload, due_at_ms, due_at_ms AS ready_at_ms, attempts, 0 AS token, last_error
     FROM ${ITEM_VALUES} AS w ${ITEM_NAMES} ORDER BY number) AS ordered`,
  (row) => [...row],
);
const addLetters = new BulkStatement<SnapshotRow>(
  "snapshot.dead-letters",
  `INSERT INTO queue_items (id, buried_no, queue, key, payload, due_at_ms, attempts, token, last_error)
   SELECT nextval('queue_item_ids'), nextval('queue_numbers'), * FROM (
     SELECT queue, key, payload, due_at_ms, attempts, 0 AS token, last_error
     FROM ${ITEM_VALUES} AS w ${ITEM_NAMES} ORDER BY number) AS ordered`,
  (row) => [...row],
);
const addLeases = new BulkStatement<SnapshotRow>(
  "snapshot.leases",
  "INSERT INTO leases (name, token, expires_at_ms) SELECT *, 0 FROM unnest($1::text[], $2::bigint[])",
  (row) => [...row],
);
const addSequences = new BulkStatement<SnapshotRow>(
  "snapshot.sequences",
  "INSERT INTO sequences (name, next) SELECT * FROM unnest($1::text[], $2::bigint[])",
  (row) => [...row],
);

class PostgresTarget implements SnapshotTarget {
  readonly #client: Client;
  #nextToken = 1;

  constructor(client: Client) {
    this.#client = client;
  }

  async add(table: SnapshotTable, rows: readonly SnapshotRow[]): Promise<void> {
    const client = this.#client;
    switch (table) {
      case "events": {
        const heads = new Map(rows.map((row) => [String(row[1]), Number(row[2])]));
        await addStreams.run(client, [...heads]);
        return addEvents.run(client, rows);
      }
      case "records":
        await addRecords.run(client, rows);
        return addKeys.run(client, rows.flatMap(indexRows));
      case "queue_items":
        return addItems.run(client, rows);
      case "dead_letters":
        return addLetters.run(client, rows);
      case "leases":
        return addLeases.run(client, rows);
      case "sequences":
        for (const [name, next] of rows) if (name === TOKEN_SEQUENCE) this.#nextToken = Number(next);
        return addSequences.run(
          client,
          rows.filter(([name]) => name !== TOKEN_SEQUENCE),
        );
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#client.query(
        "SELECT setval('queue_numbers', greatest($1::bigint, (SELECT last_value FROM queue_numbers)))",
        [Math.ceil(this.#nextToken / TOKENS_PER_CLAIM)],
      );
      await this.#client.query("COMMIT");
    } catch (error) {
      throw queryFailure(error);
    } finally {
      await this.#client.end();
    }
  }

  async abandon(): Promise<void> {
    await this.#client.end();
  }
}

/** A record's row repeats its keys; the index has one row for each of them. */
function indexRows(row: SnapshotRow): SnapshotRow[] {
  const [kind = null, id = null] = row;
  const keys = JSON.parse(String(row[SNAPSHOT_COLUMNS.records.indexOf("keys")])) as Record<string, string>;
  return Object.entries(keys).map(([name, key]) => [kind, name, key, id]);
}

/** Neither reading nor filling a large store is to be cut off by the limits that commits have. */
function connectAtLeisure(connector: Connector): Promise<Client> {
  return connector.connect({
    statement_timeout: false,
    query_timeout: 0,
    idle_in_transaction_session_timeout: 120_000,
  });
}
