import { expect, test } from "vitest";
import { land, put, range } from "../conformance/fixture.ts";
import { Connector } from "./connector.ts";
import { openPostgresStore } from "./index.ts";
import { MIGRATIONS } from "./migrations.ts";
import { usePostgres } from "./postgres.fixture.ts";
import { migrate } from "./schema.ts";

const database = usePostgres();
const KNOWN = MIGRATIONS.at(-1)?.version ?? 0;

test("ten daemons that start at once on an empty database install it once", async () => {
  const stores = await Promise.all(range(10).map(() => database.open()));
  expect(stores.map(({ schemaVersion }) => schemaVersion)).toEqual(range(10).map(() => KNOWN));
  expect(await database.sql("SELECT version::int FROM schema_migrations ORDER BY version")).toEqual(
    MIGRATIONS.map(({ version }) => ({ version })),
  );
  await Promise.all(stores.map((store, index) => land(store, [put(`p${index}`)])));
  expect(await stores[0]?.count("thing", { index: "by_id" })).toBe(10);
});

test("a schema of a newer binary is refused and left alone", async () => {
  await (await database.open()).close();
  await database.sql("INSERT INTO schema_migrations (version, applied_at_ms) VALUES (999, 0)");
  await expect(openPostgresStore({ url: database.url })).rejects.toMatchObject({ code: "newer_schema" });
  expect(await database.sql("SELECT count(*)::int AS versions FROM schema_migrations")).toEqual([
    { versions: MIGRATIONS.length + 1 },
  ]);
});

test("a migration that fails leaves nothing behind, and ends no other", async () => {
  const connector = new Connector(database.url, "kheish");
  const broken = [...MIGRATIONS, { version: KNOWN + 1, sql: "CREATE TABLE half (); SELECT 1 / 0" }];
  await expect(migrate(connector, 0, broken)).rejects.toMatchObject({ name: "StoreError" });
  expect(await database.sql("SELECT max(version)::int AS version FROM schema_migrations")).toEqual([
    { version: KNOWN },
  ]);
  expect(await database.sql("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
  const mended = [...MIGRATIONS, { version: KNOWN + 1, sql: "CREATE TABLE half ()" }];
  expect(await migrate(connector, 0, mended)).toBe(KNOWN + 1);
});

test("schemas of one database are stores apart", async () => {
  const [one, other] = [
    await database.open({ schema: "one" }),
    await database.open({ schema: 'o"ther, one' }),
  ];
  await land(one, [put("a", 1)]);
  expect(await other.get("thing", "a")).toBeUndefined();
  await land(other, [put("a", 2)]);
  expect(await one.get("thing", "a")).toMatchObject({ data: 1 });
  expect(await other.sizeBytes()).toBeGreaterThan(0);
});

test("a database whose text is not UTF-8 is refused", async () => {
  await database.sql("CREATE DATABASE latin ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'");
  const url = database.url.replace(/\/test_\d+/, "/latin");
  await expect(openPostgresStore({ url })).rejects.toMatchObject({ code: "unavailable" });
  await database.sql("DROP DATABASE latin");
});

test("a user who may not make schemas opens one that is there", async () => {
  await (await database.open()).close();
  await database.sql("CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA kheish TO guest");
  await database.sql("GRANT ALL ON ALL TABLES IN SCHEMA kheish TO guest");
  await database.sql("GRANT ALL ON ALL SEQUENCES IN SCHEMA kheish TO guest");
  const store = await openPostgresStore({ url: database.url.replace("//postgres@", "//guest@") });
  await land(store, [put("a")]);
  await store.close();
});
