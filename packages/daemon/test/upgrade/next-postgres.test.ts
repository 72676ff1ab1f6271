import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { Connector } from "../../src/kernel/postgres/connector.ts";
import { MIGRATIONS } from "../../src/kernel/postgres/migrations.ts";
import { until } from "../../src/kernel/postgres/postgres.fixture.ts";
import { migrate } from "../../src/kernel/postgres/schema.ts";
import { usePostgres } from "./engines.ts";
import { nextSuite, openAndClose, recordsOf, storeOfToday, versionsOf } from "./next-suite.ts";
import { POSTGRES_NEXT, withNext } from "./next-version.ts";
import type { PostgresPlace } from "./postgres-place.ts";

vi.mock(import("../../src/kernel/postgres/migrations.ts"), async (original) => {
  const { POSTGRES_NEXT, withNext } = await import("./next-version.ts");
  return { MIGRATIONS: withNext((await original()).MIGRATIONS, POSTGRES_NEXT) };
});

const KILLED = fileURLToPath(new URL("killed-postgres.fixture.ts", import.meta.url));
const RELEASED = MIGRATIONS.slice(0, -1);
const VERSIONS = MIGRATIONS.map(({ version }) => version);
const INSTALLERS = 10;
/** Any number that is no lock of the daemon's. */
const LOCK = 7;

const engine = usePostgres();
nextSuite(engine);

/** How many sessions wait for one of the locks that people and migrations take. */
async function waiting(place: PostgresPlace): Promise<number> {
  const [row] = await place.sql(
    `SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return Number(row?.waiting);
}

test("K2 a migration whose connection is lost between any two of its statements leaves the old version whole, and the next start migrates", async () => {
  const place = await storeOfToday(engine);
  const [before, records] = [await place.dump(), await recordsOf(place)];
  const connector = new Connector(place.storeFlag, "kheish");
  const end = "SELECT pg_terminate_backend(pg_backend_pid())";
  for (let statements = 0; statements <= POSTGRES_NEXT.length; statements++) {
    const cutOff = withNext(RELEASED, POSTGRES_NEXT.toSpliced(statements, 0, end));
    await expect(migrate(connector, 0, cutOff)).rejects.toMatchObject({ name: "StoreError" });
    expect(await place.dump(), `after statement ${statements}`).toBe(before);
  }
  await openAndClose(place);
  expect(await versionsOf(place)).toEqual(VERSIONS);
  expect(await recordsOf(place)).toEqual(records);
});

test("K2 an installer that is killed with SIGKILL in the middle leaves the migration to the one that waits behind it", async () => {
  const place = await storeOfToday(engine);
  const records = await recordsOf(place);
  const gate = new Client(place.storeFlag);
  gate.on("error", () => undefined);
  await gate.connect();
  await gate.query("SELECT pg_advisory_lock($1)", [LOCK]);

  const middle = String(POSTGRES_NEXT.length / 2);
  const first = spawn(process.execPath, [KILLED, place.storeFlag, middle, String(LOCK)], {
    stdio: "inherit",
  });
  onTestFinished(() => void first.kill("SIGKILL"));
  await until(async () => (await waiting(place)) === 1);
  const second = place.open();
  await until(async () => (await waiting(place)) === 2);
  first.kill("SIGKILL");
  expect(await once(first, "exit")).toEqual([null, "SIGKILL"]);
  expect(await versionsOf(place)).toEqual(VERSIONS.slice(0, -1));
  await gate.end();

  await (await second).close();
  expect(await versionsOf(place)).toEqual(VERSIONS);
  expect(await recordsOf(place)).toEqual(records);
});

test("several installers at once end with one migration applied", async () => {
  const place = await storeOfToday(engine);
  const records = await recordsOf(place);
  const stores = await Promise.all(Array.from({ length: INSTALLERS }, () => place.open()));
  expect(stores.map(({ schemaVersion }) => schemaVersion)).toEqual(stores.map(() => engine.newest));
  for (const store of stores) await store.close();
  expect(await versionsOf(place)).toEqual(VERSIONS);
  expect(await recordsOf(place)).toEqual(records);
});
