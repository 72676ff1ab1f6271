import { InvalidArgumentError } from "commander";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Parses `90d`, `12h` or `1h30m` into milliseconds. */
export function durationMs(text: string): number {
  if (!/^(?:\d{1,9}[smhdw])+$/.test(text))
    throw new InvalidArgumentError("It must be a duration such as 90d, 12h or 1h30m.");
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g))
    total += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (total === 0) throw new InvalidArgumentError("It must be longer than nothing.");
  return total;
}
