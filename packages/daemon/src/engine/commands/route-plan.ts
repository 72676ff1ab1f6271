import { type ModelGenerationConfig, problem, type SubmitInputRequest } from "@kheish/contract";
import type { PinnedRoute, RouteResolver } from "../ports.ts";
import type { SessionRecord } from "../records.ts";
import { routeAllowed } from "./scopes.ts";

/** The route and settings that a new run is pinned to: what is asked for, the session's policy, the default (01-R21). */
export function planRoute(
  routes: RouteResolver,
  session: SessionRecord,
  request: Partial<Pick<SubmitInputRequest, "provider" | "route_id" | "generation">>,
): { route: PinnedRoute; generation: ModelGenerationConfig } {
  const generation = { ...session.route_policy?.generation, ...request.generation };
  const requested = request.provider ?? request.route_id ?? undefined;
  // An explicit model without a route asks for that model, wherever it is: the policy's route steps back.
  const provider =
    requested ?? (request.generation?.model === undefined ? session.route_policy?.provider : undefined);
  const route = routes.resolve({
    ...(provider === undefined ? {} : { provider }),
    ...(generation.model === undefined ? {} : { model: generation.model }),
    ...(generation.fallback_model === undefined ? {} : { fallback_model: generation.fallback_model }),
  });
  if (!routeAllowed(session.credential_scope, route.route_id)) {
    throw problem(
      "runtime",
      "route_blocked_by_credential_scope",
      `the session's credential scope does not allow route '${route.route_id}'`,
    );
  }
  return { route: withinScope(route, session), generation };
}

/** A chain leads nowhere that the session itself may not go. */
function withinScope(route: PinnedRoute, { credential_scope }: SessionRecord): PinnedRoute {
  const { fallbacks, ...rest } = route;
  const allowed = fallbacks?.filter(({ route_id }) => routeAllowed(credential_scope, route_id)) ?? [];
  if (allowed.length > 0) return { ...rest, fallbacks: allowed };
  const { fallback_on: _without, ...alone } = rest;
  return alone;
}
