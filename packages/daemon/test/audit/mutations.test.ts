import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSynchronousSigner } from "../../src/governance/audit/index.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { Dice, lineAt, MUTATIONS } from "./mutations.ts";
import { SIGNER, verified } from "./support.ts";

const SEEDS = 400;
const PATIENCE_MS = 180_000;
const trusted = { trustedKeyIds: [SIGNER.keyId] };

let world: LedgerWorld;
let file: Buffer;

beforeAll(async () => {
  const before = await LedgerWorld.open();
  await before.act("run-1", 2);
  await before.anchored();
  await before.close();
  // Everything that a file can hold: two keys, several anchors, checkpoints, a change with its detail.
  const signer = createSynchronousSigner(Buffer.alloc(32, 5));
  world = await LedgerWorld.open({ after: before, keys: { signer, previous: SIGNER } });
  await world.act("run-2");
  await world.change("because");
  await world.anchored();
  await world.act("run-1");
  file = Buffer.from(await world.exported());
  expect(await verified(file, trusted)).toMatchObject({ ok: true, findings: [] });
});
afterAll(() => world.remove());

/** Seeds whose mutation changed the file and was not found. */
async function missed(
  mutate: (file: Buffer, dice: Dice) => Buffer,
): Promise<{ missed: number[]; made: number }> {
  const missed: number[] = [];
  let made = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const mutated = mutate(file, new Dice(seed));
    if (mutated.equals(file)) continue;
    made += 1;
    const report = await verified(mutated, trusted);
    if (report.ok || report.findings.length === 0) missed.push(seed);
  }
  return { missed, made };
}

describe("02-R79 02 weakness 10: whatever is done to an exported file is found", () => {
  test.each(Object.entries(MUTATIONS))(
    "%s",
    async (_name, mutate) => {
      const { missed: notFound, made } = await missed(mutate);
      expect(notFound).toEqual([]);
      expect(made).toBeGreaterThan(SEEDS / 2);
    },
    PATIENCE_MS,
  );

  test("that makes more than 5,000 of them", () => {
    expect(Object.keys(MUTATIONS).length * SEEDS).toBeGreaterThanOrEqual(5_000);
  });

  test(
    "an edited byte of a record is found in its line, and no other is blamed",
    async () => {
      for (let seed = 0; seed < 200; seed++) {
        const dice = new Dice(seed);
        const place = dice.roll(file.length);
        const line = lineAt(file, place);
        const text = file.toString().split("\n")[line - 1] ?? "";
        // A newline belongs to two lines; a digit of a hash in a chain may be blamed on its neighbour, too.
        if (!text.startsWith('{"type":"record"') || file[place] === 10) continue;
        const mutated = Buffer.from(file);
        mutated[place] = Number(file[place]) ^ 1;
        const { findings } = await verified(mutated, trusted);
        expect(findings[0]?.line, `byte ${place}`).toBe(line);
      }
    },
    PATIENCE_MS,
  );
});
