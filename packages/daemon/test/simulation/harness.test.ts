import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { unmet } from "./marks.ts";
import { mutate } from "./mutants/apply.ts";
import { MUTANTS } from "./mutants/catalogue.ts";
import { type Hunted, prove } from "./mutants/prove.ts";
import { generate } from "./plan/generate.ts";
import { check } from "./seed.ts";
import { sweep } from "./sweep.ts";
import { Prng } from "./world/prng.ts";

const source = (file: string) => readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");

describe("the simulation", () => {
  test("meets everything that it claims to test", async () => {
    const { marks } = await sweep(10_001, 500);
    expect(unmet(marks)).toEqual([]);
  }, 600_000);

  test("gives the same history for the same seed, event by event, and another for another", async () => {
    const one = await check(7, { traced: true });
    const again = await check(7, { traced: true });
    expect(again.lines).toEqual(one.lines);
    expect(again.digest).toBe(one.digest);
    expect((await check(8)).digest).not.toBe(one.digest);
  });

  test("plans the same for the same seed, whatever else was drawn", () => {
    expect(generate(11)).toEqual(generate(11));
    const prng = new Prng(3);
    const before = prng.fork("a").unit();
    prng.unit();
    expect(prng.fork("a").unit()).toBe(before);
  });
});

describe("a deliberate fault", () => {
  test.each(MUTANTS)("$name has its one place in the source", (mutant) => {
    const whole = source(mutant.file);
    expect(mutate(whole, mutant)).not.toBe(whole);
  });

  test("is found, and its seed is shrunk to a history that a person can read", async () => {
    const mutants = MUTANTS.filter(({ name }) => name === "acknowledge-before-commit");
    const hunted: Hunted[] = [];
    await prove({ from: 1, seeds: 50, mutants }, (one) => hunted.push(one));
    expect(hunted).toMatchObject([{ found: { check: expect.stringMatching(/acknowledged|accepted/) } }]);
  });
});
