import { afterAll, beforeAll } from "vitest";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { killSuite } from "./suite.ts";

let server: PostgresServer | undefined;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server?.stop());

killSuite("PostgreSQL", async () => {
  if (server === undefined) throw new Error("the PostgreSQL server has not been started");
  return server.createDatabase();
});
