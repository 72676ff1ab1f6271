import { afterAll, beforeAll } from "vitest";
import { type PostgresServer, startPostgres } from "../../../test/support/postgres.ts";
import { storeConformance } from "../conformance/index.ts";
import { openPostgresStore } from "./index.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

storeConformance("PostgreSQL", async () => {
  const url = await server.createDatabase();
  return {
    concurrent: true,
    open: () => openPostgresStore({ url }),
    cleanup: () => server.dropDatabase(url),
  };
});
