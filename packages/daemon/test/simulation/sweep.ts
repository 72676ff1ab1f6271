import type { CheckName } from "./invariants/check.ts";
import { check } from "./seed.ts";
import type { Mark } from "./world/world.ts";

/** What many seeds came to. */
export interface Swept {
  seeds: number;
  violations: { seed: number; check: CheckName; detail: string }[];
  /** Seeds that were run twice and did not come out the same: the simulation itself is not to be trusted. */
  unrepeatable: number[];
  marks: Record<Mark, number>;
  events: number;
  commits: number;
  simulatedMs: number;
}

/** One seed in so many is run twice. */
const TWICE_EVERY = 10;

/** Runs seeds one after the other. */
export async function sweep(from: number, seeds: number, onSeed: () => void = () => {}): Promise<Swept> {
  const swept = nothingSwept();
  for (let seed = from; seed < from + seeds; seed++) {
    const done = await check(seed);
    swept.seeds += 1;
    swept.events += done.events;
    swept.commits += done.commits;
    swept.simulatedMs += done.simulatedMs;
    for (const [mark, times] of done.marks) swept.marks[mark] = (swept.marks[mark] ?? 0) + times;
    if (done.violation !== undefined) swept.violations.push({ seed, ...done.violation });
    if (seed % TWICE_EVERY === 0) {
      const again = await check(seed);
      if (again.digest !== done.digest || again.events !== done.events) swept.unrepeatable.push(seed);
    }
    onSeed();
  }
  return swept;
}

export function nothingSwept(): Swept {
  return { seeds: 0, violations: [], unrepeatable: [], marks: {}, events: 0, commits: 0, simulatedMs: 0 };
}

export function together(one: Swept, other: Swept): Swept {
  const marks = { ...one.marks };
  for (const [mark, times] of Object.entries(other.marks)) marks[mark] = (marks[mark] ?? 0) + times;
  return {
    seeds: one.seeds + other.seeds,
    violations: [...one.violations, ...other.violations].sort((a, b) => a.seed - b.seed),
    unrepeatable: [...one.unrepeatable, ...other.unrepeatable],
    marks,
    events: one.events + other.events,
    commits: one.commits + other.commits,
    simulatedMs: one.simulatedMs + other.simulatedMs,
  };
}
