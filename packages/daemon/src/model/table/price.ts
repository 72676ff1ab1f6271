import type { Usage } from "../../engine/messages.ts";
import { factsOfModel, type ModelPrices } from "./index.ts";

const PER_TOKENS = 1_000_000;

/** What a route says about prices: its own hold for every model it serves, before any table. */
export interface PricedRoute {
  prices?: ModelPrices;
  /** Of models that a catalogue was fetched for. */
  discovered?: ReadonlyMap<string, { prices?: ModelPrices }>;
}

/** Prices of a model on a route: the route's own, the catalogue's, the table's; undefined where nobody knows. */
export function pricesOf(route: PricedRoute, model: string): ModelPrices | undefined {
  return route.prices ?? route.discovered?.get(model)?.prices ?? factsOfModel(model).prices;
}

/**
 * What one model call costs, in micro-USD, rounded up to a whole one; undefined where the price is not known.
 * Pure: budgets estimate with it before a call and settle with it after.
 */
export function priceOf(route: PricedRoute, model: string, usage: Usage): number | undefined {
  const prices = pricesOf(route, model);
  if (prices === undefined) return undefined;
  const { long_context: long } = prices;
  const rates = long !== undefined && usage.input_tokens > long.above_input_tokens ? long : prices;
  const cached = Math.min(usage.cached_input_tokens ?? 0, usage.input_tokens);
  const sum =
    (usage.input_tokens - cached) * rates.input +
    cached * (rates.cached_input ?? rates.input) +
    usage.output_tokens * rates.output;
  return Math.ceil(sum / PER_TOKENS);
}
