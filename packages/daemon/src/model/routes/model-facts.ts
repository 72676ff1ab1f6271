import type { ModelLimits } from "../../engine/ports.ts";
import { factsOfModel } from "../table/index.ts";
import type { Route } from "./route.ts";

/** What a model can take and give on a route: the route's own word, the catalogue's, the table's. */
export function limitsOf(route: Pick<Route, "limits" | "discovered">, model: string): ModelLimits {
  return { ...factsOfModel(model).limits, ...route.discovered?.get(model)?.limits, ...route.limits };
}
