import type { AuthSlotStatus, RouteCapabilities } from "@kheish/contract";
import type { ModelLimits } from "../../engine/ports.ts";
import { factsOfModel } from "../table/index.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import type { Route } from "./route.ts";

/** What a model of a route can do: its driver, the model, the catalogue and the route all have a say (02-R28). */
export function capabilitiesOf(
  { driver, capability_overrides, discovered }: Pick<Route, "driver" | "capability_overrides" | "discovered">,
  model: string,
): RouteCapabilities {
  return effectiveCapabilities({
    driver,
    model,
    overrides: capability_overrides,
    discovered: discovered?.get(model)?.capabilities,
  });
}

/** The capabilities of a route's own model, narrower where it signs in with an account (02-R28). */
export function shownCapabilities(route: Route, slot: AuthSlotStatus | undefined): RouteCapabilities {
  if (slot?.mode !== "oauth_account") return route.capabilities;
  const { driver, model, capability_overrides: overrides, discovered } = route;
  const found = discovered?.get(model)?.capabilities;
  return effectiveCapabilities({ driver, model, overrides, account: true, discovered: found });
}

/** What a model can take and give on a route: the route's own word, the catalogue's, the table's. */
export function limitsOf(route: Pick<Route, "limits" | "discovered">, model: string): ModelLimits {
  return { ...factsOfModel(model).limits, ...route.discovered?.get(model)?.limits, ...route.limits };
}
