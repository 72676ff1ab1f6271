import { Client, TypeOverrides } from "pg";
import type { Clock } from "../../src/kernel/clock.ts";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { dumpText, insertion, type Place, type Row } from "./place.ts";
import { DEFINITIONS } from "./postgres-schema.ts";

/** The schema in which a daemon keeps its store. */
const SCHEMA = "kheish";
const INT8 = 20;

/** A store in a database of its own. */
export class PostgresPlace implements Place {
  readonly engine = "postgres";
  readonly stateRoot: string;
  readonly storeFlag: string;

  constructor(url: string, stateRoot: string) {
    this.storeFlag = url;
    this.stateRoot = stateRoot;
  }

  async load(dump: string): Promise<void> {
    await this.#use((client) => client.query(`BEGIN; CREATE SCHEMA ${SCHEMA}; ${dump} COMMIT`));
  }

  open(clock?: Clock): Promise<Store> {
    return openPostgresStore({ url: this.storeFlag, ...(clock === undefined ? {} : { clock }) });
  }

  sql(statement: string): Promise<Row[]> {
    return this.#use((client) => rows(client, statement));
  }

  /** Where a server keeps what was committed is its own affair. */
  async sqlBeforeKill(statement: string): Promise<void> {
    await this.sql(statement);
  }

  schema(): Promise<string[]> {
    return this.#use(definitions);
  }

  dump(): Promise<string> {
    return this.#use(async (client) => {
      const statements = await definitions(client);
      for (const table of await names(client, "r")) {
        for (const row of await contents(client, table))
          statements.push(insertion(table, row, " OVERRIDING SYSTEM VALUE"));
      }
      for (const sequence of await names(client, "S")) {
        const [at] = await rows(client, `SELECT last_value, is_called FROM ${sequence}`);
        statements.push(`SELECT setval('${sequence}', ${at?.last_value}, ${at?.is_called})`);
      }
      return dumpText(statements);
    });
  }

  fingerprint(): Promise<string> {
    return this.dump();
  }

  async #use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const types = new TypeOverrides();
    types.setTypeParser(INT8, Number);
    const client = new Client({
      connectionString: this.storeFlag,
      options: `-c search_path=${SCHEMA}`,
      types,
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

async function definitions(client: Client): Promise<string[]> {
  const parts: string[] = [];
  for (const query of DEFINITIONS) for (const { made } of await rows(client, query)) parts.push(String(made));
  return parts;
}

async function names(client: Client, kind: "r" | "S"): Promise<string[]> {
  const found = await rows(
    client,
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = '${kind}' ORDER BY relname`,
  );
  return found.map(({ name }) => String(name));
}

/** Sorted by all columns: a table has no order of its own. */
async function contents(client: Client, table: string): Promise<Row[]> {
  const { fields } = await client.query(`SELECT * FROM ${table} LIMIT 0`);
  const columns = fields.map((_, index) => index + 1).join(", ");
  return rows(client, `SELECT * FROM ${table} ORDER BY ${columns}`);
}

async function rows(client: Client, statement: string): Promise<Row[]> {
  return (await client.query<Row>(statement)).rows;
}
