import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { land, put, range } from "../conformance/fixture.ts";
import { useScratch } from "../conformance/scratch.ts";
import { openSqliteStore } from "./index.ts";

const PAGE_BYTES = 4096;
const scratch = useScratch();

test("K1 commits of one tick share a transaction: they cost fewer pages of the log than they are", async () => {
  const path = scratch("store.db");
  const store = await openSqliteStore({ path });
  const walPages = async () => Math.floor((await stat(`${path}-wal`)).size / PAGE_BYTES);
  const before = await walPages();
  for (const index of range(30)) await land(store, [put(`alone ${index}`)]);
  const alone = (await walPages()) - before;
  await Promise.all(range(30).map((index) => land(store, [put(`together ${index}`)])));
  const together = (await walPages()) - before - alone;
  expect(alone).toBeGreaterThanOrEqual(30 * 2);
  expect(together).toBeLessThan(30);
  await store.close();
});

test("more commits at once than one transaction takes all land", async () => {
  const store = await openSqliteStore({ path: scratch("store.db") });
  const results = await Promise.all(range(1500).map((index) => store.commit([put("a", index, index)])));
  expect(results.every(({ ok }) => ok)).toBe(true);
  await store.close();
});

test("K1 a commit that changes nothing writes nothing", async () => {
  const path = scratch("store.db");
  const store = await openSqliteStore({ path });
  await land(store, [put("a")]);
  const before = (await stat(`${path}-wal`)).size;
  await land(store, [{ op: "claim", queue: "work", owner: "me", nowMs: 0, leaseMs: 1, limit: 10 }]);
  await store.commit([put("a", 1, 9)]);
  expect((await stat(`${path}-wal`)).size).toBe(before);
  await store.close();
});
