import { type ModelGenerationConfig, problem, type SubmitInputRequest } from "@kheish/contract";
import type { PinnedRoute, RouteResolver } from "../ports.ts";
import type { SessionRecord } from "../records.ts";
import { routeAllowed } from "./scopes.ts";

type Requested = Partial<Pick<SubmitInputRequest, "provider" | "route_id" | "generation">>;

/** 02-R36: what may make the route of a new run ready is done before it is judged. */
export async function prepareRoute(
  routes: RouteResolver,
  session: SessionRecord,
  request: Requested,
): Promise<void> {
  await routes.prepare?.(selectionOf(session, request).selection);
}

/** The route and settings that a new run is pinned to: what is asked for, the session's policy, the default (01-R21). */
export function planRoute(
  routes: RouteResolver,
  session: SessionRecord,
  request: Requested,
): { route: PinnedRoute; generation: ModelGenerationConfig } {
  const { selection, generation } = selectionOf(session, request);
  const route = routes.resolve(selection);
  if (!routeAllowed(session.credential_scope, route.route_id)) {
    throw problem(
      "runtime",
      "route_blocked_by_credential_scope",
      `the session's credential scope does not allow route '${route.route_id}'`,
    );
  }
  return { route: withinScope(route, session), generation };
}

function selectionOf(session: SessionRecord, request: Requested) {
  const generation = { ...session.route_policy?.generation, ...request.generation };
  const requested = request.provider ?? request.route_id ?? undefined;
  // An explicit model without a route asks for that model, wherever it is: the policy's route steps back.
  const provider =
    requested ?? (request.generation?.model === undefined ? session.route_policy?.provider : undefined);
  const selection = {
    ...(provider === undefined ? {} : { provider }),
    ...(generation.model === undefined ? {} : { model: generation.model }),
    ...(generation.fallback_model === undefined ? {} : { fallback_model: generation.fallback_model }),
  };
  return { selection, generation };
}

/** A chain leads nowhere that the session itself may not go. */
function withinScope(route: PinnedRoute, { credential_scope }: SessionRecord): PinnedRoute {
  const { fallbacks, ...rest } = route;
  const allowed = fallbacks?.filter(({ route_id }) => routeAllowed(credential_scope, route_id)) ?? [];
  if (allowed.length > 0) return { ...rest, fallbacks: allowed };
  const { fallback_on: _without, ...alone } = rest;
  return alone;
}
