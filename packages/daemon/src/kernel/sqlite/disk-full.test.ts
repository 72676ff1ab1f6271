import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SimulatedClock } from "../clock.ts";
import { event, land, NOW, put, range } from "../conformance/fixture.ts";
import { useScratch } from "../conformance/scratch.ts";
import type { Op, Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { SqliteStore } from "./store.ts";

const scratch = useScratch();
let db: DatabaseSync;
let store: Store;

beforeEach(() => {
  const opened = openDatabase(scratch("store.db"), new SimulatedClock());
  db = opened.db;
  store = new SqliteStore(db, scratch("store.db"), opened.schemaVersion);
});
afterEach(() => store.close());

/** SQLite answers a database of too many pages as it answers a full disk. */
function leaveRoom(pages: number): void {
  const used = Number(db.prepare("PRAGMA page_count").get()?.page_count);
  db.exec(`PRAGMA max_page_count = ${used + pages}`);
}

function ops(name: string, sizeBytes = 10): Op[] {
  return [
    { op: "append", stream: "shared", events: [event(name)] },
    { op: "enqueue", queue: "work", key: name, dueAtMs: NOW, payload: name },
    put(name, "x".repeat(sizeBytes)),
  ];
}

async function isWhole(name: string): Promise<boolean> {
  const record = await store.get("thing", name);
  const item = await store.getItem("work", name);
  const events = (await store.readStream("shared")).filter(({ data }) => data === name);
  const traces = [record !== undefined, item !== undefined, events.length === 1];
  expect(new Set(traces).size, `${name} is whole or absent`).toBe(1);
  return record !== undefined;
}

test("K2 a commit that does not fit fails as full, and its neighbours land", async () => {
  leaveRoom(20);
  const results = await Promise.allSettled([
    store.commit(ops("a")),
    store.commit(ops("big", 4096 * 40)),
    store.commit(ops("b")),
  ]);
  expect(results).toMatchObject([
    { status: "fulfilled", value: { ok: true } },
    { status: "rejected", reason: { name: "StoreError", code: "full" } },
    { status: "fulfilled", value: { ok: true } },
  ]);
  expect([await isWhole("a"), await isWhole("big"), await isWhole("b")]).toEqual([true, false, true]);
  expect((await store.readStream("shared")).map(({ seq }) => seq)).toEqual([1, 2]);

  leaveRoom(1000);
  await land(store, ops("big", 4096 * 40));
  expect(await isWhole("big")).toBe(true);
  expect(await store.streamHead("shared")).toBe(3);
});

test("K2 a disk that fills up under load keeps what was acknowledged and nothing of the rest", async () => {
  leaveRoom(30);
  const names = range(300).map((index) => `n${index}`);
  const results = await Promise.allSettled(names.map((name) => store.commit(ops(name, 900))));
  const landed = results.filter(({ status }) => status === "fulfilled").length;
  expect(landed).toBeGreaterThan(0);
  expect(landed).toBeLessThan(300);
  for (const [index, name] of names.entries())
    expect(await isWhole(name)).toBe(results[index]?.status === "fulfilled");

  leaveRoom(1000);
  const { appended } = await land(store, ops("after"));
  expect(appended[0]?.firstSeq).toBe(landed + 1);
  expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
});

test("K1 numbers that were reserved while the disk was full are still not given twice", async () => {
  const first = await store.reserveIds("runs", 3);
  leaveRoom(0);
  await expect(store.commit(ops("big", 4096 * 40))).rejects.toMatchObject({ code: "full" });
  leaveRoom(1000);
  await land(store, ops("a"));
  expect(db.prepare("SELECT next FROM sequences WHERE name = 'runs'").get()).toEqual({ next: first + 3 });
  expect(await store.reserveIds("runs", 1)).toBe(first + 3);
});
