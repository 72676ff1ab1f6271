import { afterAll, beforeAll } from "vitest";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { racingAnswers } from "./racing-answers.ts";

let server: PostgresServer | undefined;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server?.stop());

racingAnswers(async (count) => {
  if (server === undefined) throw new Error("the PostgreSQL server has not been started");
  const url = await server.createDatabase();
  return Promise.all(Array.from({ length: count }, () => openPostgresStore({ url })));
});
