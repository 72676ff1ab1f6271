import { isOfFamily } from "../table/index.ts";
import type { Route } from "./route.ts";

/** Whether a route takes a model (02-R29). The simulator has its two models whatever the route says. */
export function supportsModel(route: Route, model: string): boolean {
  const checked = route.driver === "simulator" || route.model_support === "family";
  return !checked || isOfFamily(route.driver, model);
}
