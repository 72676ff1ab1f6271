import { afterAll, beforeAll } from "vitest";
import { Client } from "../http/support/client.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { ServedDaemon } from "./served.ts";

/** Two daemons on one PostgreSQL for all tests of a file, and a client of each. */
export function useTwoOnPostgres(): { daemons: readonly ServedDaemon[]; one: Client; other: Client } {
  let server: PostgresServer | undefined;
  const daemons: ServedDaemon[] = [];
  const clientOf = (index: number) => new Client(() => daemons[index]?.baseUrl ?? "");
  beforeAll(async () => {
    server = await startPostgres();
    const store = await server.createDatabase();
    for (let n = 0; n < 2; n++) daemons.push(await ServedDaemon.start({ store }));
  });
  afterAll(async () => {
    // First both: a hook of one may be writing into the folder of the other.
    for (const daemon of daemons) await daemon.stop();
    for (const daemon of daemons) await daemon.remove();
    await server?.stop();
  });
  return { daemons, one: clientOf(0), other: clientOf(1) };
}
