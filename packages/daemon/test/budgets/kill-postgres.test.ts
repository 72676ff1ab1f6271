import { afterAll, beforeAll } from "vitest";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { budgetKillSuite } from "./kill-suite.ts";

let server: PostgresServer | undefined;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server?.stop());

budgetKillSuite("PostgreSQL", 2, async () => {
  if (server === undefined) throw new Error("the PostgreSQL server has not been started");
  return server.createDatabase();
});
