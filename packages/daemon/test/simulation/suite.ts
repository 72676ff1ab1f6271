import { beforeAll, describe, expect, test } from "vitest";
import { CHECKS, type CheckName } from "./invariants/check.ts";
import { nothingSwept, type Swept, sweep } from "./sweep.ts";

/** Four parts, so that as many processes share them as the machine has cores for. */
const SEEDS_PER_PART = 500;
const WITHIN_MS = 600_000;

/** A quarter of the seeds that every change has to pass; `npm run sim` takes as many as one wants. */
export function simulationPart(part: number): void {
  const from = 1 + part * SEEDS_PER_PART;
  describe(`${SEEDS_PER_PART} simulated histories from seed ${from}`, () => {
    let swept: Swept = nothingSwept();
    beforeAll(async () => {
      swept = await sweep(from, SEEDS_PER_PART);
    }, WITHIN_MS);

    test.each(Object.entries(CHECKS))("%s: %s", (name) => {
      expect(swept.seeds).toBe(SEEDS_PER_PART);
      expect(of(swept, name as CheckName)).toEqual([]);
    });

    test("are repeatable: the same seed is the same history", () => {
      expect(swept.unrepeatable).toEqual([]);
    });
  });
}

/** What to type to see it happen. */
function of(swept: Swept, name: CheckName): string[] {
  return swept.violations
    .filter(({ check }) => check === name)
    .map(({ seed, detail }) => `npm run sim -- --seed ${seed}: ${detail}`);
}
