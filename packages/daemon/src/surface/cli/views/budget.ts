import type {
  BudgetLimits,
  BudgetList,
  BudgetMeasure,
  BudgetScope,
  BudgetUse,
  BudgetView,
} from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

const MICRO = 1_000_000;
const WORDS: Record<BudgetMeasure, string> = {
  input_tokens: "tokens in",
  output_tokens: "tokens out",
  total_tokens: "tokens",
  cost_microusd: "cost",
  model_calls: "calls",
  wall_time_ms: "time",
};

export function budgetTable({ budgets }: BudgetList, style: Style): string {
  if (budgets.length === 0) return "No budgets.";
  return table(
    budgets,
    [
      { title: "BUDGET", value: (budget) => budget.budget_id, keep: true },
      { title: "SCOPE", value: (budget) => scopeText(budget.scope) },
      { title: "WINDOW", value: (budget) => budget.window.kind },
      { title: "USED", value: usedText },
      { title: "AT LIMIT", value: (budget) => budget.on_limit },
      { title: "WAITING", value: (budget) => budget.waiting_run_count || undefined },
    ],
    style,
  );
}

export function budgetDetail(budget: BudgetView, style: Style): string {
  return fields(
    [
      ["budget", budget.budget_id],
      ["scope", scopeText(budget.scope)],
      ["window", [budget.window.kind, budget.window.timezone].filter(Boolean).join(", ")],
      ["used", usedText(budget)],
      ["held", budget.reserved && heldText(budget.limits, budget.reserved)],
      ["at limit", budget.on_limit],
      ["begins anew", budget.resets_at_ms && new Date(budget.resets_at_ms).toISOString()],
      ["waiting runs", budget.waiting_run_count || undefined],
      ["cost unknown", budget.unpriced_routes?.join(", ")],
      ["revision", budget.revision],
      ["updated", `${age(budget.updated_at_ms, style.now)} by ${budget.updated_by}`],
    ],
    style,
  );
}

/** The budgets of a run or session, each in a few words. */
export function usesText(uses: readonly BudgetUse[]): string {
  return uses.map((use) => `${use.budget_id}: ${usedText(use)}`).join("; ");
}

function scopeText({ kind, id }: BudgetScope): string {
  if (kind === "daemon") return kind;
  return id === undefined ? `each ${kind}` : `${kind} ${id}`;
}

/** `12 of 50 calls`, for each limit; the limit alone where it holds for each of many. */
function usedText({ limits, extended, used }: Pick<BudgetView, "limits" | "extended" | "used">): string {
  return measuresOf(limits)
    .map(([measure, limit]) => {
      const whole = amountText(measure, limit + (extended?.[measure] ?? 0));
      return used === undefined
        ? `${whole} ${WORDS[measure]}`
        : `${amountText(measure, used[measure])} of ${whole} ${WORDS[measure]}`;
    })
    .join(", ");
}

function heldText(limits: BudgetLimits, reserved: NonNullable<BudgetView["reserved"]>): string | undefined {
  const held = measuresOf(limits).filter(([measure]) => reserved[measure] > 0);
  return held.map(([measure]) => `${amountText(measure, reserved[measure])} ${WORDS[measure]}`).join(", ");
}

function measuresOf(limits: BudgetLimits): [BudgetMeasure, number][] {
  return Object.entries(limits) as [BudgetMeasure, number][];
}

function amountText(measure: BudgetMeasure, amount: number): string {
  if (measure === "cost_microusd") return `$${(amount / MICRO).toFixed(2)}`;
  if (measure === "wall_time_ms") return `${Math.round(amount / 1_000)} s`;
  return amount.toLocaleString("en");
}
