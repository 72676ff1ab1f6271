import type { Client } from "pg";
import { expect, test } from "vitest";
import { SimulatedClock } from "../clock.ts";
import { event, land, put, range } from "../conformance/fixture.ts";
import type { Op } from "../store.ts";
import { Connector } from "./connector.ts";
import { openPostgresStore } from "./index.ts";
import { Listener } from "./listener.ts";
import { until, usePostgres } from "./postgres.fixture.ts";

const database = usePostgres();
const append = (data: number): Op => ({ op: "append", stream: "s", events: [event(data)] });

const OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kheish'";

/** Tells the server to end our connections; answers how many. */
async function terminate(condition = "true"): Promise<number> {
  return (await database.sql(`SELECT pg_terminate_backend(pid) ${OURS} AND ${condition}`)).length;
}

async function connections(): Promise<number> {
  const [row] = await database.sql<{ count: number }>(`SELECT count(*)::int AS count ${OURS}`);
  return row?.count ?? 0;
}

async function terminateAll(): Promise<void> {
  expect(await terminate()).toBeGreaterThan(0);
  await until(async () => (await connections()) === 0);
}

test("connections that ended between two operations are not missed by the next", async () => {
  const store = await database.open();
  for (const round of range(5)) {
    await Promise.all(range(8).map((index) => store.get("thing", `t${index}`)));
    await terminateAll();
    await land(store, [append(round), put("a", round)]);
    await terminateAll();
    expect(await store.get("thing", "a")).toMatchObject({ data: round });
    await terminateAll();
    expect(await store.reserveIds("numbers", 1)).toBe(round + 1);
  }
  expect(await store.streamHead("s")).toBe(5);
});

test("K1 K2 connections that end under load lose nothing that was acknowledged and repeat nothing", async () => {
  const store = await database.open();
  const landed = new Set<number>();
  const unknown = new Set<number>();
  let next = 0;
  const writers = range(20).map(async () => {
    while (landed.size < 2_000) {
      const number = next++;
      try {
        await land(store, [append(number), put(`${number}`, number, 0)]);
        landed.add(number);
      } catch (error) {
        expect(error).toMatchObject({ name: "StoreError", code: "unavailable" });
        unknown.add(number);
      }
    }
  });
  const terminator = (async () => {
    for (let round = 1; landed.size < 2_000; round += 1) {
      await until(() => landed.size >= Math.min(round * 100, 2_000));
      await terminate();
    }
  })();
  await Promise.all([...writers, terminator]);

  const journal = (await store.readStream("s")).map(({ data }) => Number(data));
  expect(new Set(journal).size).toBe(journal.length);
  expect([...landed.difference(new Set(journal))]).toEqual([]);
  expect([...new Set(journal).difference(landed.union(unknown))]).toEqual([]);
  const records = await store.list<number>("thing", { index: "by_id", limit: 10_000 });
  expect(records.map(({ data }) => data).sort((a, b) => a - b)).toEqual(journal.sort((a, b) => a - b));
});

test("a commit whose connection ends while it waits for its locks lands on another", async () => {
  const store = await database.open();
  await land(store, [put("a", 1)]);
  const holder = await database.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM records FOR UPDATE");
  const commit = land(store, [put("a", 2, 1)]);
  await until(async () => (await terminate("wait_event_type = 'Lock'")) === 1);
  await holder.query("ROLLBACK");
  expect((await commit).revisions[0]).toBe(2);
});

test("a commit that loses its connection on the way to the disk is not made again", async () => {
  const store = await database.open();
  const holder = await database.connect();
  await holder.query("SELECT pg_advisory_lock(hashtextextended('kheish.positions.kheish', 0))");
  const commit = store.commit([append(1)]);
  const answer = expect(commit).rejects.toMatchObject({ code: "unavailable", message: /unknown/ });
  await until(async () => (await terminate("wait_event = 'advisory'")) === 1);
  await holder.query("SELECT pg_advisory_unlock_all()");
  await answer;
  await land(store, [append(2)]);
  expect((await store.readStream("s")).map(({ data }) => data)).toEqual([2]);
});

test("readers go on while nobody tells them of commits, and are told again", async () => {
  const clock = new SimulatedClock();
  const [store, other] = [await database.open({ clock }), await database.open()];
  let wakes = 0;
  store.onCommit("events", () => {
    wakes += 1;
  });
  await until(() => wakes === 1);
  expect(await terminate("query LIKE 'LISTEN%'")).toBe(1);
  await until(() => clock.nextDueAt() !== undefined);
  await land(other, [append(1)]);
  expect(await store.readAll({ afterPosition: 0, limit: 10 })).toHaveLength(1);
  expect(wakes).toBe(1);

  await clock.advance(100);
  await until(() => wakes === 2);
  await land(other, [append(2)]);
  await until(() => wakes === 3);
});

test("the connections of a store are bounded, and none is left when it is closed", async () => {
  const store = await database.open();
  store.onCommit("events", () => undefined);
  await Promise.all(
    range(200).flatMap((index) => [
      store.get("thing", "a"),
      store.reserveIds("n", 1),
      land(store, [append(index)]),
    ]),
  );
  expect(await connections()).toBeLessThanOrEqual(6);
  await store.close();
  await until(async () => (await connections()) === 0);
  await store.close();
});

test("a server that is not there is unavailable", async () => {
  await expect(openPostgresStore({ url: "postgres://nobody@127.0.0.1:1/none" })).rejects.toMatchObject({
    name: "StoreError",
    code: "unavailable",
  });
});

test("K1 a commit waits for the disk also where the database would not", async () => {
  const { pathname } = new URL(database.url);
  await database.sql(`ALTER DATABASE ${pathname.slice(1)} SET synchronous_commit = off`);
  const inForce = async (client: Client) => (await client.query("SHOW synchronous_commit")).rows;
  expect(await inForce(await database.connect())).toEqual([{ synchronous_commit: "off" }]);
  const ours = await new Connector(database.url, "kheish").connect();
  expect(await inForce(ours)).toEqual([{ synchronous_commit: "on" }]);
  await ours.end();
});

test("K2 what PostgreSQL cannot hold fails alone", async () => {
  const store = await database.open();
  const long = range(3_000).map((index) => String.fromCodePoint(0x4e00 + ((index * 7919) % 20_000)));
  const results = await Promise.allSettled([
    store.commit([put("a"), append(1)]),
    store.commit([append(2), put(long.join(""))]),
    store.commit([put("b"), append(3)]),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await store.readStream("s")).map(({ data }) => data)).toEqual([1, 3]);
});

test("a store that is closed while it connects to hear of others is closed all the same", async () => {
  const connected = Promise.withResolvers<void>();
  class SlowConnector extends Connector {
    override async connect(): Promise<Client> {
      const client = await super.connect();
      await connected.promise;
      return client;
    }
  }
  const listener = new Listener(
    new SlowConnector(database.url, "kheish"),
    new SimulatedClock(),
    () => undefined,
  );
  listener.start();
  await until(async () => (await connections()) === 1);
  const closed = listener.close();
  connected.resolve();
  await closed;
  await until(async () => (await connections()) === 0);
});
