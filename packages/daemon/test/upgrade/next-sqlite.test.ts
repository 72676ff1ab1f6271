import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, stat, truncate } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { useSqlite } from "./engines.ts";
import { readFixture } from "./fixtures.ts";
import { nextSuite, openAndClose, recordsOf, storeOfToday, versionsOf } from "./next-suite.ts";
import { SQLITE_NEXT } from "./next-version.ts";
import type { SqlitePlace } from "./sqlite-place.ts";

vi.mock(import("../../src/kernel/sqlite/migrations.ts"), async (original) => {
  const { SQLITE_NEXT, withNext } = await import("./next-version.ts");
  return { MIGRATIONS: withNext((await original()).MIGRATIONS, SQLITE_NEXT) };
});

const KILLED = fileURLToPath(new URL("killed-sqlite.fixture.ts", import.meta.url));
const WAL_HEADER_BYTES = 32;
const WAL_FRAME_BYTES = 24 + 4096;

const engine = useSqlite();
nextSuite(engine);

/** The files of a store as they are, in another place: looking there changes nothing here. */
async function copyOf({ path }: SqlitePlace): Promise<SqlitePlace> {
  const copy = await engine.place();
  await copyFile(path, copy.path);
  await copyFile(`${path}-wal`, `${copy.path}-wal`);
  return copy;
}

describe("a migration that is cut off", () => {
  test("K2 by SIGKILL between any two of its statements leaves the old version whole, and the next start migrates", async () => {
    const fixture = await readFixture("sqlite", engine.newest - 1);
    const logged: number[] = [];
    for (let statements = 0; statements <= SQLITE_NEXT.length; statements++) {
      const place = await storeOfToday(engine);
      const records = await recordsOf(place);
      const child = spawn(process.execPath, [KILLED, place.path, String(statements)], {
        stdio: "inherit",
      });
      expect(await once(child, "exit"), `after statement ${statements}`).toEqual([null, "SIGKILL"]);
      logged.push((await stat(`${place.path}-wal`)).size);
      expect(await (await copyOf(place)).dump(), `after statement ${statements}`).toBe(fixture);
      await openAndClose(place);
      expect((await versionsOf(place)).at(-1)).toBe(engine.newest);
      expect(await recordsOf(place)).toEqual(records);
    }
    expect(Math.max(...logged), "some deaths left half a migration in the log").toBeGreaterThan(
      WAL_HEADER_BYTES + 10 * WAL_FRAME_BYTES,
    );
  });

  test("K1 K2 by a power loss, anywhere in the log, leaves the old version or the new one, and the next start migrates", async () => {
    const place = await storeOfToday(engine);
    const before = await place.dump();
    const store = await place.open();
    const migrated = await copyOf(place);
    await store.close();
    const { size } = await stat(`${migrated.path}-wal`);
    const after = await (await copyOf(migrated)).dump();
    const cuts = [0];
    for (let frame = WAL_HEADER_BYTES; frame <= size; frame += WAL_FRAME_BYTES)
      cuts.push(frame, frame + WAL_FRAME_BYTES / 2);
    for (const cut of cuts.filter((bytes) => bytes <= size)) {
      const lost = await copyOf(migrated);
      await truncate(`${lost.path}-wal`, cut);
      expect(await (await copyOf(lost)).dump(), `cut at ${cut} of ${size}`).toBe(cut < size ? before : after);
      await openAndClose(lost);
      expect(withoutDate(await lost.dump()), `cut at ${cut} of ${size}`).toBe(withoutDate(after));
    }
    expect(cuts.length).toBeGreaterThan(20);
  });
});

/** When the migration was applied is the only thing that two of them may not agree on. */
function withoutDate(dump: string): string {
  return dump.replace(/^INSERT INTO schema_migrations .*\n/gm, "");
}
