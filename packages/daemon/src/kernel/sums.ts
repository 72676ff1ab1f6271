import type { Json } from "@kheish/contract";

/** Numbers by name: what `add` adds, and what it makes of a record. */
export type Sums = Readonly<Record<string, number>>;

/** The record's data with the amounts added; undefined when a number would stand above what it may be at most. */
export function added(before: Json | undefined, amounts: Sums, atMost: Sums = {}): Sums | undefined {
  const sums: Record<string, number> = { ...(before as Sums | undefined) };
  for (const [name, amount] of Object.entries(amounts)) sums[name] = (sums[name] ?? 0) + amount;
  const over = Object.entries(atMost).some(([name, limit]) => (sums[name] ?? 0) > limit);
  return over ? undefined : sums;
}

/** Refuses, in front of its caller, what no sum can be made of. */
export function checkSums(...all: (Sums | undefined)[]): void {
  for (const [name, value] of all.flatMap((sums) => Object.entries(sums ?? {}))) {
    if (!Number.isSafeInteger(value)) throw new RangeError(`'${name}' is not a whole number: ${value}`);
  }
}
