import { afterEach, describe, expect, test } from "vitest";
import { type Mortal, mortal } from "./support/crash.ts";
import { OutsideWorld } from "./support/effects.ts";
import { type BootOptions, createRig, type Rig, type RiggedDaemon } from "./support/rig.ts";
import { askingCalls } from "./sweep/asking.ts";
import { extendedBudget } from "./sweep/budget.ts";
import { fallingRun } from "./sweep/fallback.ts";
import { goalUnderContract } from "./sweep/goal.ts";
import { hookedRun } from "./sweep/hooks.ts";
import { rememberedAnswers } from "./sweep/remembered.ts";
import { journalOf, type Scenario } from "./sweep/scenario.ts";
import { usedSkill } from "./sweep/skills.ts";
import { workingRun } from "./sweep/working-run.ts";

/**
 * A scenario runs once to count its commits. Then, for each commit and for both sides of it, it runs again on a
 * store that dies there; a new daemon takes over, the caller repeats what was never acknowledged, everybody answers
 * what is asked, and the invariants are checked.
 */
const SCENARIOS = [
  workingRun,
  goalUnderContract,
  fallingRun,
  extendedBudget,
  askingCalls,
  hookedRun,
  rememberedAnswers,
  usedSkill,
];

interface World {
  rig: Rig;
  outside: OutsideWorld;
}

async function openWorld(scenario: Scenario): Promise<World> {
  const outside = new OutsideWorld();
  const rig = await createRig((incarnation) => scenario.tools(outside, incarnation));
  return { rig, outside };
}

function bootOf(scenario: Scenario, { rig, outside }: World): Pick<BootOptions, "models" | "callbacks"> {
  const { models, callbacks } = scenario;
  return {
    ...(models === undefined ? {} : { models: models(rig) }),
    ...(callbacks === undefined ? {} : { callbacks: callbacks(outside) }),
  };
}

/** What a caller does, until the daemon dies under it. */
async function work(scenario: Scenario, daemon: RiggedDaemon, isDead = () => false): Promise<void> {
  for (const step of scenario.steps) {
    const over = new AbortController();
    await Promise.race([step(daemon), died(isDead, over.signal)]).finally(() => over.abort());
    if (isDead()) return;
  }
}

async function died(isDead: () => boolean, over: AbortSignal): Promise<void> {
  while (!isDead() && !over.aborted) await new Promise((resolve) => setImmediate(resolve));
}

async function countCommits(scenario: Scenario): Promise<number> {
  const world = await openWorld(scenario);
  const { rig } = world;
  let counter: Mortal | undefined;
  const daemon = await rig.boot({
    ...bootOf(scenario, world),
    wrap: (store) => {
      counter = mortal(store, -1, "after", () => undefined);
      return counter.store;
    },
  });
  await work(scenario, daemon);
  const commits = counter?.commits() ?? 0;
  await rig.cleanup();
  return commits;
}

const swept = await Promise.all(
  SCENARIOS.map(async (scenario) => ({ scenario, commits: await countCommits(scenario) })),
);

describe.each(swept)("a daemon that dies at any commit of $scenario.name", ({ scenario, commits }) => {
  const deaths = Array.from({ length: commits }, (_, index) => index + 1).flatMap((k) =>
    (["before", "after"] as const).map((side) => [side, k] as const),
  );
  let world: World | undefined;
  afterEach(() => world?.rig.cleanup());

  test("commits often enough to be worth sweeping", () => {
    expect(commits).toBeGreaterThan(10);
  });

  test.each(deaths)(
    "01-R90 01-R92 loses nothing and repeats nothing: death %s commit %i",
    async (side, k) => {
      world = await openWorld(scenario);
      const { rig, outside } = world;
      let victim: Mortal | undefined;
      const isDead = () => victim?.isDead() === true;
      const over = new AbortController();
      const first = await Promise.race([
        rig.boot({
          ...bootOf(scenario, world),
          wrap: (store) => {
            victim = mortal(store, k, side, () => outside.dead.add(0));
            return victim.store;
          },
        }),
        died(isDead, over.signal),
      ]);
      over.abort();
      if (first !== undefined) await work(scenario, first, isDead);
      expect(isDead()).toBe(true);

      const second = await rig.boot(bootOf(scenario, world));
      await work(scenario, second);
      await scenario.check(second, outside);

      const before = await journalOf(second.store);
      await second.stop();
      const third = await rig.boot(bootOf(scenario, world));
      await third.settle();
      expect(await journalOf(third.store), "recovering again changes nothing").toEqual(before);
    },
  );
});
