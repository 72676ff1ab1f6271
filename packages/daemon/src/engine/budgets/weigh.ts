import { BUDGET_MEASURES, type BudgetLimits, type BudgetMeasure } from "@kheish/contract";
import type { Sums } from "../../kernel/sums.ts";
import { sumOf } from "./amounts.ts";

/** Less than this is not worth a call: what is left below it counts as nothing. */
export const LEAST_OUTPUT_TOKENS = 1_024;

/** What a model call may use at most, before it leaves. */
export interface Need {
  input_tokens: number;
  /** The cap in force. */
  output_tokens: number;
  /** Output with which the call is still worth making. */
  least_output_tokens: number;
  /** Of a call with that much output; undefined when the price is not known. */
  costOf: (outputTokens: number) => number | undefined;
  /** Worked since the last charge. */
  wall_time_ms: number;
}

export interface Weighed {
  limits: BudgetLimits;
  sums: Sums | undefined;
}

export type Verdict<A extends Weighed> =
  /** With so much output at most. */
  | { kind: "fits"; output_tokens: number }
  /** What calls under way hold stands in the way, and may come back. */
  | { kind: "busy"; on: A }
  /** `least`: what must be left of the measure for the call to be made. */
  | { kind: "spent"; on: A; measure: BudgetMeasure; least: number }
  | { kind: "unpriced"; on: A };

/**
 * Whether a call fits into all of the accounts, and with how much output: a cap that is larger than what is left is
 * lowered to it, so that the last of a budget can be used and nothing is used beyond it. Pure.
 */
export function weigh<A extends Weighed>(accounts: readonly A[], need: Need): Verdict<A> {
  let output = need.output_tokens;
  let busy: A | undefined;
  for (const on of accounts) {
    if (on.limits.cost_microusd !== undefined && need.costOf(need.output_tokens) === undefined) {
      return { kind: "unpriced", on };
    }
    const now = outputThatFits(on, need, leftNow);
    if (!("missing" in now)) {
      output = Math.min(output, now.output);
      continue;
    }
    const later = outputThatFits(on, need, leftAfterCalls);
    if ("missing" in later) return { kind: "spent", on, ...later.missing };
    busy ??= on;
  }
  return busy === undefined ? { kind: "fits", output_tokens: output } : { kind: "busy", on: busy };
}

type Left = (account: Weighed, measure: BudgetMeasure) => number;

const leftNow: Left = ({ limits, sums }, measure) =>
  (limits[measure] ?? Number.POSITIVE_INFINITY) - sumOf(sums, "taken", measure);

/** A call that is under way is a call that was made: it gives back tokens and cost, and never itself. */
const leftAfterCalls: Left = (account, measure) => {
  const held = measure === "model_calls" ? 0 : sumOf(account.sums, "reserved", measure);
  return leftNow(account, measure) + held;
};

type Fit = { output: number } | { missing: { measure: BudgetMeasure; least: number } };

function outputThatFits(account: Weighed, need: Need, left: Left): Fit {
  const least = Math.min(need.least_output_tokens, need.output_tokens);
  const leastOf: Record<BudgetMeasure, number> = {
    input_tokens: need.input_tokens,
    output_tokens: least,
    total_tokens: need.input_tokens + least,
    cost_microusd: need.costOf(least) ?? 0,
    model_calls: 1,
    // The time up to now is charged with this call; there must be some left for the call itself.
    wall_time_ms: need.wall_time_ms + 1,
  };
  for (const measure of BUDGET_MEASURES) {
    if (leastOf[measure] > left(account, measure)) return { missing: { measure, least: leastOf[measure] } };
  }
  const output = Math.min(
    need.output_tokens,
    left(account, "output_tokens"),
    left(account, "total_tokens") - need.input_tokens,
    affordable(need, left(account, "cost_microusd")),
  );
  return { output };
}

/** The most output whose cost is within what is left; prices are linear in the output, so a few halvings find it. */
function affordable({ costOf, output_tokens }: Need, left: number): number {
  if ((costOf(output_tokens) ?? 0) <= left) return output_tokens;
  let fits = 0;
  let over = output_tokens;
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    if ((costOf(middle) ?? 0) <= left) fits = middle;
    else over = middle;
  }
  return fits;
}
