import type { PinnedRoute, RouteTarget } from "../../engine/ports.ts";
import { supportsModel } from "./model-support.ts";
import { type Route, RouteConfigError } from "./route.ts";

/** The chain of a route as a run is pinned to it, for a run that asks `model` of it; nothing without a chain. */
export function chainFrom(
  route: Route,
  model: string,
  find: (id: string) => Route | undefined,
): Pick<PinnedRoute, "fallbacks" | "fallback_on"> {
  const fallbacks = route.fallback
    .flatMap((selector) => targetOf(selector, find) ?? [])
    .filter((target) => target.route_id !== route.route_id || target.model !== model);
  return fallbacks.length === 0 ? {} : { fallbacks, fallback_on: route.fallback_on };
}

/**
 * A chain that leads nowhere is found at the start, not when it is needed (02-A8).
 * Throws `RouteConfigError` that names the entry.
 */
export function checkChains(routes: readonly Route[]): void {
  const find = (id: string) => routes.find((route) => route.route_id === id);
  for (const route of routes) {
    const seen = new Set([`${route.route_id}/${route.model}`]);
    for (const [index, selector] of route.fallback.entries()) {
      const at = `routes.${route.route_id}.fallback[${index}]`;
      const target = targetOf(selector, find);
      if (target === undefined) {
        throw new RouteConfigError(`${at} names no route: write the id of a route, or '<route>/<model>'.`);
      }
      const { route_id, model } = target;
      const taken = find(route_id);
      if (taken !== undefined && !supportsModel(taken, model)) {
        throw new RouteConfigError(
          `${at}: route '${route_id}' (${taken.driver}) does not support '${model}'.`,
        );
      }
      if (seen.has(`${route_id}/${model}`)) {
        throw new RouteConfigError(
          `${at} is where the run comes from: '${route_id}/${model}' stands before it.`,
        );
      }
      seen.add(`${route_id}/${model}`);
    }
  }
}

/** `<route>` with its own model, or `<route>/<model>`. */
function targetOf(selector: string, find: (id: string) => Route | undefined): RouteTarget | undefined {
  const slash = selector.indexOf("/");
  const route = find(slash < 0 ? selector : selector.slice(0, slash));
  const model = slash < 0 ? route?.model : selector.slice(slash + 1);
  if (route === undefined || model === undefined || model === "") return undefined;
  return { route_id: route.route_id, driver: route.driver, model };
}
