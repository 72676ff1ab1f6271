import { afterAll, beforeAll, test } from "vitest";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
import { AuthorizationServer } from "../support/authorization-server.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { refreshesOnce } from "./support.ts";

const server = new AuthorizationServer();
let postgres: PostgresServer | undefined;
beforeAll(async () => {
  postgres = await startPostgres();
  await server.start();
});
afterAll(async () => {
  await server.stop();
  await postgres?.stop();
});

test("02-R57 a refresh is one for everybody who needs it at once, on two daemons with one PostgreSQL", async () => {
  const url = (await postgres?.createDatabase()) ?? "";
  const [one, other] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
  try {
    await refreshesOnce(server, [one, other]);
  } finally {
    await one.close();
    await other.close();
  }
});
