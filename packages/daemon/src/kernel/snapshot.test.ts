import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../test/support/postgres.ts";
import { event, land, NOW } from "./conformance/fixture.ts";
import { useScratch } from "./conformance/scratch.ts";
import { openPostgresSnapshot, openPostgresStore, openPostgresTarget } from "./postgres/index.ts";
import { MIGRATIONS as POSTGRES_MIGRATIONS } from "./postgres/migrations.ts";
import {
  SNAPSHOT_SCHEMA_VERSION,
  SNAPSHOT_TABLES,
  type SnapshotRow,
  type SnapshotSource,
  type SnapshotTable,
  type SnapshotTarget,
  TOKEN_SEQUENCE,
} from "./snapshot.ts";
import { openSqliteSnapshot, openSqliteStore, openSqliteTarget } from "./sqlite/index.ts";
import { MIGRATIONS as SQLITE_MIGRATIONS } from "./sqlite/migrations.ts";
import type { Store } from "./store.ts";

const scratch = useScratch();
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

interface Place {
  open(): Promise<Store>;
  source(): Promise<SnapshotSource>;
  target(): Promise<SnapshotTarget>;
}

const places: Record<string, () => Promise<Place>> = {
  SQLite: async () => {
    const path = scratch(`${randomUUID()}.db`);
    return {
      open: () => openSqliteStore({ path }),
      source: async () => openSqliteSnapshot(path),
      target: async () => openSqliteTarget(path),
    };
  },
  PostgreSQL: async () => {
    const url = await server.createDatabase();
    return {
      open: () => openPostgresStore({ url }),
      source: () => openPostgresSnapshot({ url }),
      target: () => openPostgresTarget({ url }),
    };
  },
};

/** Names and texts that an engine might change on their way. */
const AWKWARD = 'nul \u0000, \u0001, \u0002, "quoted", \ud83d\ude00, \u{10ffff}';

/** Something in every table: a claim that is held, one enqueued again, a dead letter, a lease, reservations. */
async function fill(store: Store): Promise<void> {
  await land(store, [
    { op: "append", stream: "a", events: [event({ text: AWKWARD }), event([1, 2.5, null])] },
    { op: "append", stream: AWKWARD, events: [event("other")] },
    { op: "put", kind: "thing", id: AWKWARD, data: { [AWKWARD]: 1 }, keys: { by: [AWKWARD, 7] } },
    { op: "put", kind: "thing", id: "plain", data: 1, keys: { by: ["b"], at: [3] } },
    { op: "enqueue", queue: "q", key: "claimed", dueAtMs: NOW, payload: { n: 1 } },
    { op: "enqueue", queue: "q", key: "dead", dueAtMs: NOW + 1, payload: 2 },
    { op: "acquire-lease", name: "s", owner: "me", nowMs: NOW, leaseMs: 1_000_000 },
  ]);
  await land(store, [{ op: "put", kind: "thing", id: "plain", data: 2, keys: { by: ["b"] } }]);
  const { claimed } = await land(store, [
    { op: "claim", queue: "q", owner: "me", nowMs: NOW + 5, leaseMs: 1_000_000, limit: 2 },
  ]);
  const dead = claimed[0]?.find((item) => item.key === "dead");
  await land(store, [
    { op: "bury", queue: "q", key: "dead", token: dead?.token ?? 0, error: "poison" },
    { op: "enqueue", queue: "q", key: "later", dueAtMs: NOW + 9_000, payload: null },
  ]);
  await store.reserveIds("runs", 41);
  await land(store, [{ op: "append", stream: "a", events: [event("last")] }]);
}

async function everything(source: SnapshotSource): Promise<Record<string, SnapshotRow[]>> {
  const found: Record<string, SnapshotRow[]> = {};
  for (const table of SNAPSHOT_TABLES) found[table] = (await Array.fromAsync(source.pages(table))).flat();
  await source.close();
  return found;
}

async function copy(from: Place, to: Place): Promise<Record<string, SnapshotRow[]>> {
  const rows = await everything(await from.source());
  const target = await to.target();
  for (const table of SNAPSHOT_TABLES) await target.add(table, rows[table] ?? []);
  await target.finish();
  return rows;
}

/** Who held a lease dies with the copy; how tokens are numbered is the engine's own business. */
function comparable(rows: Record<string, SnapshotRow[]>) {
  const { leases: _, sequences = [], ...rest } = rows;
  return { ...rest, sequences: sequences.filter(([name]) => name !== TOKEN_SEQUENCE) };
}

describe.each(Object.keys(places))("a snapshot of %s", (fromName) => {
  test.each(Object.keys(places))("loads into %s with nothing lost and nothing changed", async (toName) => {
    const [from, to] = await Promise.all([places[fromName]?.(), places[toName]?.()]);
    if (from === undefined || to === undefined) throw new Error("no such engine");
    const original = await from.open();
    await fill(original);
    const events = await original.readAll({ afterPosition: 0, limit: 100 });
    const before = await copy(from, to);
    expect(comparable(await everything(await to.source()))).toEqual(comparable(before));

    const restored = await to.open();
    expect(await restored.readAll({ afterPosition: 0, limit: 100 })).toEqual(events);
    expect(await restored.streamHead("a")).toBe(3);
    expect(await restored.get("thing", AWKWARD)).toEqual({
      id: AWKWARD,
      revision: 1,
      data: { [AWKWARD]: 1 },
    });
    expect(await restored.list("thing", { index: "by", prefix: [AWKWARD], limit: 9 })).toHaveLength(1);
    expect(await restored.list("thing", { index: "at", limit: 9 }), "a key that was taken away").toEqual([]);
    expect(await restored.getItem("q", "claimed")).toMatchObject({ attempts: 1, token: 0, dueAtMs: NOW });
    expect(await restored.deadLetters("q", 9)).toMatchObject([{ key: "dead", lastError: "poison" }]);
    expect(await restored.getLease("s"), "its holder did not come along").toBeUndefined();
    expect(await restored.reserveIds("runs", 1)).toBe(42);

    // Whoever held a claim or a lease in the original writes nothing here, and what is written here goes on as ever.
    const { leases, claimed } = await land(restored, [
      { op: "acquire-lease", name: "s", owner: "other", nowMs: NOW, leaseMs: 1_000 },
      { op: "claim", queue: "q", owner: "other", nowMs: NOW, leaseMs: 1_000, limit: 1 },
      { op: "append", stream: "a", events: [event("new")], expectedSeq: 3 },
    ]);
    const held = await original.getLease("s");
    expect(leases[0]?.token).toBeGreaterThan(held?.token ?? Number.POSITIVE_INFINITY);
    const taken = await original.getItem("q", "claimed");
    expect(claimed[1]?.[0]?.token).toBeGreaterThan(taken?.token ?? Number.POSITIVE_INFINITY);
    await original.close();
    await restored.close();
  });

  test("is one moment, whatever is written while it is read", async () => {
    const place = await places[fromName]?.();
    if (place === undefined) throw new Error("no such engine");
    const store = await place.open();
    await fill(store);
    const source = await place.source();
    const pages = source.pages("records")[Symbol.asyncIterator]();
    await land(store, [
      { op: "append", stream: "a", events: [event("too late")] },
      { op: "delete", kind: "thing", id: "plain" },
      { op: "put", kind: "thing", id: "new", data: null, keys: {} },
    ]);
    const records = (await pages.next()).value as SnapshotRow[];
    expect(records.map(([, id]) => id)).toEqual([AWKWARD, "plain"]);
    await pages.return?.(undefined);
    const seen = (await Array.fromAsync(source.pages("events"))).flat();
    expect(seen).toHaveLength(4);
    await source.close();
    await store.close();
  });
});

test("a snapshot is not loaded over what a database already holds", async () => {
  const place = await places.PostgreSQL?.();
  const store = await place?.open();
  if (place === undefined || store === undefined) throw new Error("no such engine");
  await fill(store);
  await expect(place.target()).rejects.toThrow("already holds a store");
  await store.close();
});

test("a migration may change what rows mean: whoever adds one decides what becomes of older snapshots", () => {
  const newest: Partial<Record<SnapshotTable | "sqlite" | "postgres", number>> = {
    sqlite: SQLITE_MIGRATIONS.at(-1)?.version ?? 0,
    postgres: POSTGRES_MIGRATIONS.at(-1)?.version ?? 0,
  };
  expect(newest).toEqual({ sqlite: SNAPSHOT_SCHEMA_VERSION, postgres: SNAPSHOT_SCHEMA_VERSION });
});
