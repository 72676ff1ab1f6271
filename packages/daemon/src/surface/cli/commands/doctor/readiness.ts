import { z } from "zod";
import type { DaemonClient } from "../../client/client.ts";
import { UndecodableAnswer } from "../../client/errors.ts";
import type { Check } from "./check.ts";

/** A row of `provider_readiness.routes`; the contract leaves the rows open. */
const RouteReadiness = z.looseObject({
  route_id: z.string(),
  provider: z.string(),
  model: z.string(),
  active: z.boolean(),
  state: z.enum(["ok", "ready", "warning", "error"]),
  code: z.string(),
  message: z.string(),
  action: z.string().optional(),
  auth_ref: z.string().optional(),
  auth_mode: z.string().optional(),
  auth_summary: z.string().optional(),
  auth_updated_at_ms: z.number().optional(),
});
export type RouteReadiness = z.infer<typeof RouteReadiness>;

export async function loadRoutes(client: DaemonClient): Promise<RouteReadiness[]> {
  const { provider_readiness } = await client.call("status");
  const checked = z.array(RouteReadiness).safeParse(provider_readiness.routes);
  if (!checked.success)
    throw new UndecodableAnswer("the daemon's route readiness does not have the expected shape");
  return checked.data;
}

export function routeCheck({ route_id, state, code, message, action }: RouteReadiness): Check {
  const ok = state === "ok" || state === "ready";
  return {
    name: "route",
    code,
    ok,
    severity: ok ? "info" : state,
    message: `${route_id}: ${message}`,
    related_id: route_id,
    ...(action !== undefined && { action }),
  };
}

/** Where a route's credential comes from, and whether it can be used (02-R40). */
export function authCheck(route: RouteReadiness): Check {
  const { route_id, state, message, auth_ref, auth_mode, auth_summary, action } = route;
  const usable = state !== "error";
  const facts = [auth_ref && `slot ${auth_ref}`, auth_mode, auth_summary].filter(Boolean).join(", ");
  return {
    name: "auth",
    code: usable ? "route_auth_usable" : route.code,
    ok: usable,
    severity: usable ? "info" : "error",
    message: `${route_id}: ${facts === "" ? message : facts}`,
    related_id: route_id,
    ...(action !== undefined && !usable && { action }),
  };
}
