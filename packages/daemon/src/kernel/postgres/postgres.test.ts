import { afterAll, beforeAll, describe } from "vitest";
import { around } from "../../../test/support/around.ts";
import { type PostgresServer, startPostgres } from "../../../test/support/postgres.ts";
import { storeConformance } from "../conformance/index.ts";
import { modelConformance } from "../conformance/model.ts";
import type { Store } from "../store.ts";
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

describe("PostgreSQL with each commit by one of three daemons keeps the store's invariants", () => {
  modelConformance(async () => {
    const url = await server.createDatabase();
    return {
      open: async () => takingTurns(await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })))),
      cleanup: () => server.dropDatabase(url),
    };
  });
});

/** As one store, whose commits are made by these: now by the same one again, now by another. */
function takingTurns(stores: readonly Store[]): Store {
  const [first] = stores;
  if (first === undefined) throw new Error("there is no store");
  const TURNS = [0, 0, 1, 0, 0, 0, 2, 2, 1, 1, 1, 2, 0];
  let commits = 0;
  return around(first, {
    commit: (ops, options) => {
      const turn = TURNS[commits++ % TURNS.length] ?? 0;
      return (stores[turn] ?? first).commit(ops, options);
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  });
}
