import { calmTwin, comparable, differenceOf } from "./invariants/twin.ts";
import { generate } from "./plan/generate.ts";
import type { Plan } from "./plan/plan.ts";
import { type Simulated, simulate } from "./simulate.ts";

/** One seed, whole: its history with all checks, and its ending against that of a world in which nothing goes wrong. */
export function check(seed: number, options: { traced?: boolean } = {}): Promise<Simulated> {
  return checkPlan(generate(seed), options);
}

export async function checkPlan(plan: Plan, options: { traced?: boolean } = {}): Promise<Simulated> {
  const stormy = await simulate(plan, options);
  if (stormy.violation !== undefined || !comparable(plan)) return stormy;
  const calm = await simulate(calmTwin(plan));
  const difference =
    calm.violation === undefined
      ? differenceOf(plan, stormy.outcomes, calm.outcomes)
      : `the crash-free world fails itself: ${calm.violation.detail}`;
  return difference === undefined
    ? stormy
    : { ...stormy, violation: { check: "outcome", detail: difference } };
}
