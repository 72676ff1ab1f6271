import { CHECKS, type CheckName } from "./invariants/check.ts";
import type { Plan } from "./plan/plan.ts";
import type { Simulated } from "./simulate.ts";
import type { Line } from "./world/world.ts";

/** What happens all the time and tells nothing. */
const NOISE = /renew-owner|^commit \d+: $|<- 20\d $|^listRuns/;
const WIDTH = 160;

/** A failing history as a person reads it: what was wanted, what happened, and what must not have. */
export function report({ plan, violation, lines }: Simulated): string {
  if (violation === undefined) return `seed ${plan.seed}: no violation`;
  const { check, detail } = violation;
  return [
    `seed ${plan.seed} violates ${check} (${CHECKS[check]})`,
    `  ${detail}`,
    "",
    "What was planned:",
    ...planLines(plan).map((line) => `  ${line}`),
    "",
    "What happened (ms, who, what):",
    ...history(lines),
  ].join("\n");
}

export function history(lines: readonly Line[]): string[] {
  return lines
    .filter(({ what }) => !NOISE.test(what))
    .map(({ atMs, who, what }) => {
      const text = `${String(atMs).padStart(8)}  ${who.padEnd(14)}  ${what}`;
      return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
    });
}

function planLines(plan: Plan): string[] {
  const weather = Object.entries(plan.weather).filter(([, value]) => value !== 0);
  return [
    `${plan.daemons} daemon${plan.daemons > 1 ? "s" : ""} on ${plan.onFiles ? "a file" : "a store in memory"}; ${weather.map(([name, value]) => `${name} ${Math.round(value * 1000) / 1000}`).join(", ")}`,
    ...plan.submissions.map(({ id, atMs, session, keyed, copies, mode, turns }) => {
      const calls = turns.map((turn) =>
        turn.calls.map(({ tool, behaviour }) => `${tool} (${behaviour})`).join(" + "),
      );
      const how = [keyed ? "with a key" : "without a key", ...(copies > 1 ? [`${copies} times`] : []), mode];
      return `${atMs} ms: ${id} to ${session} ${how.join(", ")}: ${calls.join(", then ") || "no calls"}`;
    }),
    ...(plan.budget === undefined ? [] : [`a budget: ${JSON.stringify(plan.budget)}`]),
    ...(plan.access === undefined ? [] : [`a provider: ${JSON.stringify(plan.access)}`]),
    ...plan.interventions.map((one) => `${one.atMs} ms: ${JSON.stringify(one)}`),
    ...plan.deaths.map((one) => JSON.stringify(one)),
    ...plan.watchers.map((one) => `watches ${JSON.stringify(one)}`),
  ];
}

export function summary(checks: readonly { check: CheckName; seed: number }[]): string {
  const seeds = Map.groupBy(checks, ({ check }) => check);
  return [...seeds]
    .map(([check, found]) => `${check}: seeds ${found.map(({ seed }) => seed).join(", ")}`)
    .join("\n");
}
