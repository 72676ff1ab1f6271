import type { BudgetMeasure, BudgetUse } from "@kheish/contract";
import { sumOf, tableOf, usedOf } from "./amounts.ts";
import type { OpenAccount } from "./open-accounts.ts";

/** An account as people and clients read it. */
export function useOf({ budget, sums, resetsAtMs }: OpenAccount): BudgetUse {
  const { budget_id, scope, window, limits, on_limit } = budget.data;
  const extended = Object.fromEntries(
    Object.keys(limits).flatMap((measure) => {
      const by = sumOf(sums, "extended", measure as BudgetMeasure);
      return by === 0 ? [] : [[measure, by]];
    }),
  );
  return {
    budget_id,
    scope,
    window,
    limits,
    on_limit,
    ...(Object.keys(extended).length === 0 ? {} : { extended }),
    used: tableOf((measure) => usedOf(sums, measure)),
    reserved: tableOf((measure) => sumOf(sums, "reserved", measure)),
    ...(resetsAtMs === undefined ? {} : { resets_at_ms: resetsAtMs }),
  };
}

/** Whether nothing is left of one of its limits. */
export function isExhausted({ budget, sums }: OpenAccount): boolean {
  return Object.entries(budget.data.limits).some(
    ([measure, limit]) => sumOf(sums, "taken", measure as BudgetMeasure) >= (limit ?? 0),
  );
}

/** Why a run cannot go on, with the figures. */
export function exhausted({ budget, sums }: OpenAccount, measure: BudgetMeasure): string {
  const { budget_id, scope, window, limits } = budget.data;
  const limit = (limits[measure] ?? 0) + sumOf(sums, "extended", measure);
  const span = window.kind === "total" ? "" : ` a ${window.kind}`;
  return `budget '${budget_id}' of the ${scope.kind} has no room for another model call: ${usedOf(sums, measure)} of ${limit} ${measure}${span} are used`;
}
