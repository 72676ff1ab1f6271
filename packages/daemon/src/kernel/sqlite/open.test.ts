import { createHash } from "node:crypto";
import { copyFile, mkdir, open, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../clock.ts";
import { land, put, range } from "../conformance/fixture.ts";
import { useScratch } from "../conformance/scratch.ts";
import { StoreError } from "../store.ts";
import { openDatabase } from "./database.ts";
import { openSqliteStore } from "./index.ts";
import { MIGRATIONS } from "./migrations.ts";
import { migrate, newestVersion } from "./schema.ts";

const scratch = useScratch();

/** A closed store with some records in it. */
async function storeFile(name: string, records = 3): Promise<string> {
  const path = scratch(name);
  const store = await openSqliteStore({ path });
  await land(
    store,
    range(records).map((index) => put(`r${index}`, "x".repeat(500))),
  );
  await store.close();
  return path;
}

function edit(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

/** Content of the files that hold data: not `-shm`, which is scratch space, nor the empty log that looking leaves. */
async function fingerprints(): Promise<Record<string, string>> {
  const names = (await readdir(scratch("."))).filter((name) => !name.endsWith("-shm"));
  const contents = await Promise.all(
    names.map(async (name) => [name, await readFile(scratch(name))] as const),
  );
  return Object.fromEntries(
    contents
      .filter(([, content]) => content.length > 0)
      .map(([name, content]) => [name, createHash("sha256").update(content).digest("hex")]),
  );
}

describe("a newer schema", () => {
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  const NEWER = "INSERT INTO schema_migrations (version, applied_at_ms) VALUES (99, 0)";

  test("is refused by both versions' names, and the file stays as it is", async () => {
    const path = await storeFile("store.db");
    edit(path, NEWER);
    const before = await fingerprints();
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "newer_schema",
      message: expect.stringMatching(new RegExp(`version 99\\b.* ${newest}\\b`)),
    });
    expect(await fingerprints()).toEqual(before);
  });

  test("is found in a write-ahead log that was left behind, and that stays too", async () => {
    const path = await storeFile("left.db");
    const db = new DatabaseSync(path);
    db.exec(NEWER);
    for (const suffix of ["", "-wal"]) await copyFile(path + suffix, scratch(`copy.db${suffix}`));
    db.close();
    const before = await fingerprints();
    await expect(openSqliteStore({ path: scratch("copy.db") })).rejects.toMatchObject({
      code: "newer_schema",
    });
    expect(await fingerprints()).toEqual(before);
  });
});

describe("a damaged or foreign file", () => {
  const refused = (path: string) =>
    expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "corrupt", name: "StoreError" });

  test("that is no database is refused as corrupt", async () => {
    await writeFile(scratch("text.db"), "this is not a database, ".repeat(400));
    await refused(scratch("text.db"));
  });

  test("whose schema page is overwritten is refused as corrupt", async () => {
    const path = await storeFile("store.db");
    const file = await open(path, "r+");
    await file.write(Buffer.alloc(3000, 0xa5), 0, 3000, 100);
    await file.close();
    await refused(path);
  });

  test("that was cut short is refused as corrupt", async () => {
    const path = await storeFile("store.db", 200);
    await truncate(path, 4096 * 2);
    await refused(path);
  });

  test("of another program is refused as corrupt and left alone", async () => {
    edit(scratch("foreign.db"), "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
    const before = await fingerprints();
    await refused(scratch("foreign.db"));
    expect(await fingerprints()).toEqual(before);
  });

  test.each(["DROP TABLE leases", "DROP INDEX queue_items_ready", "ALTER TABLE records DROP COLUMN keys"])(
    "that lost a part of its schema is refused as corrupt: %s",
    async (damage) => {
      const path = await storeFile("store.db");
      edit(path, damage);
      await refused(path);
    },
  );

  test("that somebody gave an index of their own is a store like before", async () => {
    const path = await storeFile("store.db");
    edit(path, "CREATE INDEX report ON events (type)");
    const store = await openSqliteStore({ path });
    expect(await store.get("thing", "r1")).toMatchObject({ revision: 1 });
    await store.close();
  });

  test("answers corrupt, not something else, when a damaged page is met later", async () => {
    const path = await storeFile("store.db", 400);
    const bytes = await readFile(path);
    const text = Buffer.from("x".repeat(400));
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 4096))
      bytes.fill(0xff, at - (at % 4096), at - (at % 4096) + 64);
    await writeFile(path, bytes);
    const store = await openSqliteStore({ path });
    await expect(store.list("thing", { index: "by_id", limit: 1000 })).rejects.toMatchObject({
      code: "corrupt",
    });
    await expect(store.commit([put("r1", "new")])).rejects.toMatchObject({ code: "corrupt" });
    await store.close();
  });
});

test("a place where no file can be is unavailable", async () => {
  await mkdir(scratch("directory.db"));
  for (const path of [scratch("directory.db"), scratch("missing/store.db")])
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "unavailable" });
});

test("a store whose creation was cut off is created again", async () => {
  const db = new DatabaseSync(scratch("first.db"));
  db.exec("PRAGMA cache_size = 1; BEGIN; CREATE TABLE half (made TEXT)");
  const insert = db.prepare("INSERT INTO half VALUES (?)");
  for (const _ of range(50)) insert.run("x".repeat(2000));
  for (const suffix of ["", "-journal"])
    await copyFile(scratch(`first.db${suffix}`), scratch(`cut.db${suffix}`));
  db.close();
  const store = await openSqliteStore({ path: scratch("cut.db") });
  await land(store, [put("a")]);
  await store.close();
});

test("a new store and its log are their owner's alone, whatever the umask lets others see", async () => {
  const before = process.umask(0o022);
  try {
    const store = await openSqliteStore({ path: scratch("private.db") });
    await land(store, [put("a")]);
    for (const suffix of ["", "-wal"])
      expect((await stat(scratch(`private.db${suffix}`))).mode & 0o777, suffix).toBe(0o600);
    await store.close();
  } finally {
    process.umask(before);
  }
});

test("a store whose creation was cut off before its first byte is a new one", async () => {
  await writeFile(scratch("empty.db"), "");
  const store = await openSqliteStore({ path: scratch("empty.db") });
  await land(store, [put("a")]);
  await store.close();
});

test("a migration that fails leaves the version before it, and nothing of itself", () => {
  const { db } = openDatabase(scratch("store.db"), new SimulatedClock());
  const newest = newestVersion(db, "store.db");
  const broken = {
    version: newest + 1,
    sql: "CREATE TABLE half (made TEXT); CREATE TABLE leases (again TEXT)",
  };
  expect(() => migrate(db, "store.db", 0, [...MIGRATIONS, broken])).toThrow(/leases already exists/);
  expect(newestVersion(db, "store.db")).toBe(newest);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'half'").all()).toEqual([]);
  const mended = { ...broken, sql: "CREATE TABLE half (made TEXT)" };
  expect(migrate(db, "store.db", 0, [...MIGRATIONS, mended])).toBe(newest + 1);
  expect(migrate(db, "store.db", 0, [...MIGRATIONS, mended])).toBe(newest + 1);
  db.close();
});

test("K1 a commit is synced to the disk before it is acknowledged", () => {
  const { db } = openDatabase(scratch("store.db"), new SimulatedClock());
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const FULL = 2;
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(FULL);
  expect([pragma("fullfsync"), pragma("checkpoint_fullfsync")]).toEqual([1, 1]);
  db.close();
});

test("migrations are dated by the clock that was given", () => {
  const { db } = openDatabase(scratch("store.db"), new SimulatedClock(12_345));
  expect(db.prepare("SELECT DISTINCT applied_at_ms FROM schema_migrations").all()).toEqual([
    { applied_at_ms: 12_345 },
  ]);
  db.close();
});

test("errors that are not SQLite's stay what they are", async () => {
  const store = await openSqliteStore({ path: scratch("store.db") });
  await expect(store.list("thing", { index: "i", limit: 1, after: "?" })).rejects.not.toBeInstanceOf(
    StoreError,
  );
  await store.close();
});
