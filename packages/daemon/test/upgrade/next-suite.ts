import { describe, expect, test } from "vitest";
import type { UpgradeEngine } from "./engines.ts";
import { readFixture } from "./fixtures.ts";
import { refusal } from "./newer.ts";
import type { Place, Row } from "./place.ts";
import { resumeSuite } from "./resume.ts";
import { serveOn } from "./serve.ts";

/** What a Kheish with one version more does with the stores of today; the calling file has made this one such. */
export function nextSuite(engine: UpgradeEngine): void {
  resumeSuite(engine);

  describe(`the next schema version of ${engine.name}`, () => {
    test("carries over what the version before it held", async () => {
      const place = await storeOfToday(engine);
      const before = await recordsOf(place);
      await openAndClose(place);
      expect(before.length).toBeGreaterThan(30);
      expect(await recordsOf(place)).toEqual(before);
      const sizes = await place.sql("SELECT data, bytes FROM records");
      expect(sizes.map(({ bytes }) => bytes)).toEqual(
        sizes.map(({ data }) => Buffer.byteLength(String(data))),
      );
    });

    test("is refused by the Kheish of today in one sentence, and left as it was", async () => {
      const place = await storeOfToday(engine);
      await openAndClose(place);
      const before = await place.fingerprint();
      const { code, said } = await serveOn(place);
      expect(code).toBe(1);
      expect(said).toMatch(refusal(engine.newest, engine.newest - 1));
      expect(await place.fingerprint()).toEqual(before);
    });
  });
}

/** What the newest released version left behind. */
export async function storeOfToday<P extends Place>(engine: UpgradeEngine<P>): Promise<P> {
  const place = await engine.place();
  await place.load(await readFixture(engine.name, engine.newest - 1));
  return place;
}

export async function openAndClose(place: Place): Promise<void> {
  await (await place.open()).close();
}

export async function versionsOf(place: Place): Promise<unknown[]> {
  const rows = await place.sql("SELECT version FROM schema_migrations ORDER BY version");
  return rows.map(({ version }) => version);
}

export function recordsOf(place: Place): Promise<Row[]> {
  return place.sql("SELECT kind, id, revision, data, keys FROM records ORDER BY kind, id");
}
