import { appendFile, copyFile, mkdir, rm, stat, truncate } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SimulatedClock } from "../clock.ts";
import { event, land, NOW, put, range } from "../conformance/fixture.ts";
import { useScratch } from "../conformance/scratch.ts";
import type { Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { openSqliteStore } from "./index.ts";
import { SqliteStore } from "./store.ts";

const scratch = useScratch();

/** Commit `n` leaves a mark of its number in every primitive. */
function commit(store: Store, number: number): Promise<unknown> {
  return land(store, [
    { op: "append", stream: "journal", events: [event(number), event("x".repeat(number * 37))] },
    put("latest", number),
    put(`record ${number}`, number),
    { op: "enqueue", queue: "work", key: `item ${number}`, dueAtMs: NOW + number, payload: number },
    { op: "acquire-lease", name: "lease", owner: `owner ${number}`, nowMs: NOW, leaseMs: 0 },
  ]);
}

/** How many commits the store holds; fails unless it is exactly the first ones, each of them whole. */
async function commitsIn(store: Store): Promise<number> {
  const count = (await store.get<number>("thing", "latest"))?.data ?? 0;
  const events = await store.readStream("journal");
  expect(events.filter(({ seq }) => seq % 2 === 1).map(({ data }) => data)).toEqual(
    range(count).map((n) => n + 1),
  );
  expect(events).toHaveLength(count * 2);
  expect(await store.count("thing", { index: "by_id", prefix: [] })).toBe(count === 0 ? 0 : count + 1);
  for (const number of range(count + 1).slice(1)) {
    expect(await store.get("thing", `record ${number}`)).toMatchObject({ data: number });
    expect(await store.getItem("work", `item ${number}`)).toMatchObject({ payload: number });
  }
  expect(await store.getItem("work", `item ${count + 1}`)).toBeUndefined();
  expect((await store.getLease("lease"))?.owner).toBe(count === 0 ? undefined : `owner ${count}`);
  return count;
}

test("K1 K2 a write-ahead log that is cut anywhere holds whole commits, and all that were acknowledged before the cut", async () => {
  const path = scratch("store.db");
  const wal = `${path}-wal`;
  const { db, schemaVersion } = openDatabase(path, new SimulatedClock());
  db.exec("PRAGMA wal_autocheckpoint = 0");
  const store = new SqliteStore(db, path, schemaVersion);
  /** Length of the log when commit `n + 1` was acknowledged. */
  const lengths: number[] = [];
  const walBytes = async () => (await stat(wal)).size;
  for (const burst of [1, 1, 3, 1, 5, 2, 1, 4]) {
    const numbers = range(burst).map((index) => lengths.length + index + 1);
    await Promise.all(numbers.map((number) => commit(store, number)));
    const length = await walBytes();
    lengths.push(...numbers.map(() => length));
  }
  const full = await walBytes();
  const met = new Set<number>();

  const boundary = fc
    .constantFrom(0, ...lengths)
    .chain((length) => fc.integer({ min: -2, max: 2 }).map((by) => length + by));
  const cuts = fc.oneof(fc.nat(full), boundary).map((cut) => Math.min(Math.max(cut, 0), full));
  let copies = 0;
  await fc.assert(
    fc.asyncProperty(cuts, fc.uint8Array({ maxLength: 200 }), async (cut, junk) => {
      const directory = scratch(`cut ${copies++}`);
      await mkdir(directory);
      const copy = `${directory}/store.db`;
      await copyFile(path, copy);
      await copyFile(wal, `${copy}-wal`);
      await truncate(`${copy}-wal`, cut);
      await appendFile(`${copy}-wal`, junk);

      const reopened = await openSqliteStore({ path: copy });
      const held = await commitsIn(reopened);
      expect(held).toBeGreaterThanOrEqual(lengths.filter((length) => length <= cut).length);
      await commit(reopened, held + 1);
      expect(await commitsIn(reopened)).toBe(held + 1);
      await reopened.close();
      const check = new DatabaseSync(copy);
      expect(check.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      check.close();
      await rm(directory, { recursive: true });
      met.add(held);
    }),
    { numRuns: 80 },
  );
  expect(met.size, "different states that the cuts left").toBeGreaterThan(4);
  await store.close();
});
