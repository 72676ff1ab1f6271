import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { nodeServer, useMcp } from "./support.ts";

const serve = useMcp();
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test("03-R67: what is added on one daemon is there on every daemon of the store, and goes with its removal", async () => {
  const store = await postgres.createDatabase();
  const [one, other] = [await serve({ store }), await serve({ store })];
  await one.add("m", nodeServer("memory"));
  const theirs = await other.serverIs("m", ({ connected }) => connected);
  expect(theirs.tools).toEqual((await one.server("m")).tools);
  const session = await other.session();
  expect(await other.called(session, "mcp__m__read_graph")).toMatchObject({ is_error: false });
  expect((await other.add("m", nodeServer("memory"))).status).toBe(409);

  expect((await other.remove("m")).status).toBe(200);
  while ((await one.mcp()).servers.length > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await one.operatorCall("mcp__m__read_graph")).toMatchObject({ status: 404 });
});
