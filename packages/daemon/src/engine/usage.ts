import type { UsageTotals } from "@kheish/contract";

export const ZERO_USAGE: UsageTotals = {
  input_tokens: 0,
  output_tokens: 0,
  cached_input_tokens: 0,
  model_calls: 0,
  tool_calls: 0,
  restarts: 0,
};

export function addUsage(a: UsageTotals, b: UsageTotals): UsageTotals {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    model_calls: a.model_calls + b.model_calls,
    tool_calls: a.tool_calls + b.tool_calls,
    restarts: a.restarts + b.restarts,
    ...addCost(a, b),
  };
}

type Cost = Pick<UsageTotals, "cost_microusd">;

/** Absent until a call whose price is known. */
export function addCost(a: Cost, b: Cost): Cost {
  if (a.cost_microusd === undefined && b.cost_microusd === undefined) return {};
  return { cost_microusd: (a.cost_microusd ?? 0) + (b.cost_microusd ?? 0) };
}
