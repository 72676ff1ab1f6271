import { expect, test } from "vitest";
import type { UpgradeEngine } from "./engines.ts";
import { readFixture } from "./fixtures.ts";
import { serveOn } from "./serve.ts";

const NEWER = 99;

/** A store that a newer Kheish wrote, met by the command that people start. */
export function newerSuite(engine: UpgradeEngine): void {
  test(`a store that schema version ${NEWER} of ${engine.name} wrote is refused in one sentence, and left as it was`, async () => {
    const place = await engine.place();
    await place.load(await readFixture(engine.name, engine.newest));
    await place.sqlBeforeKill(`INSERT INTO schema_migrations (version, applied_at_ms) VALUES (${NEWER}, 0)`);
    const before = await place.fingerprint();
    for (let attempt = 0; attempt < 2; attempt++) {
      const { code, said } = await serveOn(place);
      expect(code).toBe(1);
      expect(said).toMatch(refusal(NEWER, engine.newest));
      expect(await place.fingerprint()).toEqual(before);
    }
  });
}

/** One line that names both versions and the remedy: no stack, no second sentence. */
export function refusal(found: number, known: number): RegExp {
  return new RegExp(
    `^Error: [^\\n]* version ${found}, this binary knows versions up to ${known}: use a newer Kheish\\n$`,
  );
}
