import type { ModelLimits } from "../../engine/ports.ts";
import type { Capability, DriverName } from "../routes/drivers.ts";
import { FAMILIES, MODELS, type ModelPrices, type ModelRow } from "./rows.ts";

export type { ModelPrices, TokenPrices } from "./rows.ts";

/** What is known of one model; nothing for one that is in no table. */
export interface ModelFacts {
  limits: ModelLimits;
  prices?: ModelPrices;
  lacks: readonly Capability[];
}

/** Of the providers' dated, preview and alias spellings of one model: the same model at the same price. */
const SAME_MODEL = /^(-(latest|preview|exp|\d{2}|\d{4,}))*$/;

/** What the table says of a model, by the longest name that it begins with. */
export function factsOfModel(model: string): ModelFacts {
  const name = normalise(model);
  const row = rowOf(name);
  if (row === undefined) return { limits: {}, lacks: [] };
  const { context_tokens, max_output_tokens, prices, lacks = [] } = row;
  const priced = prices !== undefined && SAME_MODEL.test(name.slice(row.name.length));
  return {
    limits: { context_tokens, ...(max_output_tokens === undefined ? {} : { max_output_tokens }) },
    ...(priced ? { prices } : {}),
    lacks,
  };
}

/** The families of a driver; none: it takes any model (02-R29). */
export function isOfFamily(driver: DriverName, model: string): boolean {
  const families = FAMILIES.filter((family) => family.driver === driver);
  return families.length === 0 || families.some(({ names }) => names.test(model));
}

function rowOf(name: string): ModelRow | undefined {
  let best: ModelRow | undefined;
  for (const row of MODELS) {
    if (name.startsWith(row.name) && row.name.length > (best?.name.length ?? 0)) best = row;
  }
  return best;
}

/** Without the vendor that OpenRouter puts before a name, and with one spelling of `4.6` and `4-6`. */
function normalise(model: string): string {
  return model
    .slice(model.lastIndexOf("/") + 1)
    .toLowerCase()
    .replaceAll(".", "-");
}
