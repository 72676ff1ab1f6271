import { Client, type QueryResultRow } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type PostgresServer, startPostgres } from "../../../test/support/postgres.ts";
import type { Store } from "../store.ts";
import { openPostgresStore, type PostgresOptions } from "./index.ts";

/** A database of the running test, kept when the test failed. */
export interface Database {
  readonly url: string;
  /** Opens a store on it, which is closed after the test. */
  open(options?: Omit<PostgresOptions, "url">): Promise<Store>;
  /** A connection past the store, which is closed after the test; our tables are in its path. */
  connect(): Promise<Client>;
  /** One statement past the store. */
  sql<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** Gives the calling file a server, and every test in it an empty database. */
export function usePostgres(): Database {
  let server: PostgresServer;
  let url: string;
  let closers: (() => Promise<void>)[];
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = await server.createDatabase();
    closers = [];
  });
  afterEach(async ({ task }) => {
    for (const close of closers) await close();
    if (task.result?.state !== "fail") await server.dropDatabase(url);
  });
  const database: Database = {
    get url() {
      return url;
    },
    async open(options) {
      const store = await openPostgresStore({ url, ...options });
      closers.push(() => store.close());
      return store;
    },
    async connect() {
      const client = new Client(url);
      client.on("error", () => undefined);
      await client.connect();
      closers.push(() => client.end());
      await client.query("SET search_path = kheish");
      return client;
    },
    async sql(text, values) {
      const client = await database.connect();
      return (await client.query(text, values)).rows;
    },
  };
  return database;
}

/** Lets time pass that is the server's. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
