import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EventStream } from "../http/support/stream.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { browserSessionSuite, headersOf, signIn } from "./browser-sessions-suite.ts";
import { accessSuite } from "./suite.ts";
import { ADMIN, GuardedDaemon } from "./support.ts";

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

async function createDatabase(): Promise<string> {
  if (server === undefined) throw new Error("the PostgreSQL server has not been started");
  return server.createDatabase();
}

/** Two daemons on one database, until the test is over. */
async function neighbours(): Promise<{ here: GuardedDaemon; there: GuardedDaemon }> {
  const store = await createDatabase();
  const here = await GuardedDaemon.start({ store });
  const there = await GuardedDaemon.start({ store });
  onTestFinished(async () => {
    await here.daemon.remove();
    await there.daemon.remove();
  });
  return { here, there };
}

describe("named tokens on PostgreSQL", () => {
  accessSuite(async () => ({ store: await createDatabase() }));

  test("02-A7 a token made at one daemon is good at its neighbour, and revoked at one it is at both", async () => {
    const { here, there } = await neighbours();
    const { secret, token_id } = await here.token({});
    expect(await there.outcome(secret, "GET", "/v1/status")).toBe("200");
    const headers = { authorization: `Bearer ${secret}` };
    const stream = await EventStream.open(there.admin.url("eventsStream"), headers);
    await here.admin.call("revokeToken", { params: { token_id } });
    // The very next request, whatever the neighbour's tail has read by now.
    expect(await there.outcome(secret, "GET", "/v1/status")).toBe("invalid_token");
    expect(await stream.rest()).toEqual([]);
  });
});

describe("browser sessions on PostgreSQL", () => {
  browserSessionSuite(async () => ({ store: await createDatabase() }));

  test("08 a browser that signed in at one daemon is signed in at its neighbour, and signed out at both", async () => {
    const { here, there } = await neighbours();
    const headers = headersOf(await signIn(here, ADMIN));
    const status = async ({ daemon }: GuardedDaemon) =>
      (await fetch(`${daemon.baseUrl}/v1/status`, { headers })).status;
    expect([await status(here), await status(there)]).toEqual([200, 200]);
    const own = { ...headers, origin: here.daemon.baseUrl };
    await fetch(`${here.daemon.baseUrl}/v1/browser-session`, { method: "DELETE", headers: own });
    expect([await status(here), await status(there)]).toEqual([401, 401]);
  });
});
