import type { RouteView } from "@kheish/contract";
import type { RouteReadiness } from "../../engine/index.ts";
import { limitsOf, pricesOf, type Route, type RouteOrigin } from "../../model/index.ts";

/** A route with all that an operator may see of it; the slot of a key, never the key. */
export function routeView(
  route: Route,
  origin: RouteOrigin,
  readiness: readonly RouteReadiness[],
): RouteView {
  const { route_id, driver, model, base_url, fallback, fallback_on } = route;
  const prices = pricesOf(route, model);
  const ready = readiness.find((one) => one.route_id === route_id);
  return {
    route_id,
    provider: driver,
    model,
    ...(ready?.auth_ref === undefined ? {} : { auth_ref: ready.auth_ref }),
    capabilities: ready?.capabilities ?? route.capabilities,
    active: ready?.active ?? false,
    origin,
    model_support: route.model_support,
    ...(base_url === undefined ? {} : { base_url }),
    ...(fallback.length === 0 ? {} : { fallback: [...fallback], fallback_on: [...fallback_on] }),
    ...(Number.isFinite(route.timeout_ms) ? { timeout_ms: route.timeout_ms } : {}),
    ...(Number.isFinite(route.inactivity_timeout_ms)
      ? { inactivity_timeout_ms: route.inactivity_timeout_ms }
      : {}),
    ...limitsOf(route, model),
    ...(prices === undefined ? {} : { prices }),
    state: ready?.state ?? "error",
    code: ready?.code ?? "route_model_incompatible",
    message: ready?.message ?? "",
    ...(ready?.action === undefined ? {} : { action: ready.action }),
  };
}
