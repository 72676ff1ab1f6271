import { BUDGET_MEASURES, type BudgetAmounts, type BudgetLimits, type BudgetMeasure } from "@kheish/contract";
import type { Sums } from "../../kernel/sums.ts";

/** `total_tokens` follows from the two others. */
export function amounts(some: Partial<Omit<BudgetAmounts, "total_tokens">>): BudgetAmounts {
  const { input_tokens = 0, output_tokens = 0 } = some;
  return {
    cost_microusd: 0,
    model_calls: 0,
    wall_time_ms: 0,
    ...some,
    input_tokens,
    output_tokens,
    total_tokens: input_tokens + output_tokens,
  };
}

/**
 * What the store keeps of an account, as sums (`AddOp`), three for each measure:
 * `taken` is what is no longer to be had: used and reserved, less what approvals have added to the limit; it is what
 * the limit is held against, in one addition. `reserved` is the part of it that calls under way hold.
 * `extended` is what approvals have added, so that what was used can still be told.
 */
type Place = "taken" | "reserved" | "extended";

/** How often the account was extended. */
export const EXTENSIONS = "extensions";

export function nameOf(place: Place, measure: BudgetMeasure): string {
  return `${place}_${measure}`;
}

export function sumOf(sums: Sums | undefined, place: Place, measure: BudgetMeasure): number {
  return sums?.[nameOf(place, measure)] ?? 0;
}

/** Used for good. */
export function usedOf(sums: Sums | undefined, measure: BudgetMeasure): number {
  return sumOf(sums, "taken", measure) - sumOf(sums, "reserved", measure) + sumOf(sums, "extended", measure);
}

export function tableOf(read: (measure: BudgetMeasure) => number): BudgetAmounts {
  return Object.fromEntries(BUDGET_MEASURES.map((measure) => [measure, read(measure)])) as BudgetAmounts;
}

/** Only what is not nothing, so that a record holds what it counts. */
function summed(
  parts: [place: Place, table: BudgetAmounts | BudgetLimits, sign: 1 | -1][],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [place, table, sign] of parts) {
    for (const measure of BUDGET_MEASURES) {
      const amount = (table[measure] ?? 0) * sign;
      const name = nameOf(place, measure);
      if (amount !== 0) sums[name] = (sums[name] ?? 0) + amount;
    }
  }
  return sums;
}

/** A call is about to leave. Time that was worked since the last one is charged with it: it has passed. */
export function reserving(reserved: BudgetAmounts, worked: BudgetAmounts): Record<string, number> {
  return summed([
    ["taken", reserved, 1],
    ["reserved", reserved, 1],
    ["taken", worked, 1],
  ]);
}

/** The call is over: what it used stays taken, what it held beyond that is to be had again. */
export function settling(reserved: BudgetAmounts, used: BudgetAmounts): Record<string, number> {
  return summed([
    ["taken", used, 1],
    ["taken", reserved, -1],
    ["reserved", reserved, -1],
  ]);
}

export function extending(by: BudgetLimits): Record<string, number> {
  const added = summed([
    ["taken", by, -1],
    ["extended", by, 1],
  ]);
  return { ...added, [EXTENSIONS]: 1 };
}

/** What the sums may be at most. Time is charged when it has passed, so nothing can keep it from being added. */
export function ceilings(limits: BudgetLimits): Record<string, number> {
  return Object.fromEntries(
    BUDGET_MEASURES.flatMap((measure) => {
      const limit = limits[measure];
      return limit === undefined || measure === "wall_time_ms" ? [] : [[nameOf("taken", measure), limit]];
    }),
  );
}
