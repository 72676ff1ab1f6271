import type { FallbackTrigger } from "@kheish/contract";
import type { ModelErrorClass, PinnedRoute, RouteReadiness, RouteTarget } from "./ports.ts";

/** Where a run stands in its fallback chain: the target its calls go to, and that target's place in the chain. */
export interface FallbackPlace {
  position: number;
  target: RouteTarget;
}

/** A target that was passed over, and why. */
export interface SkippedTarget extends RouteTarget {
  reason: string;
}

/** A step down the chain, as the journal and the run's record keep it. */
export interface FallbackStep extends FallbackPlace {
  skipped: SkippedTarget[];
}

/** What a failure may be called in `fallback_on` (02-A8). */
const TRIGGERS: Partial<Record<ModelErrorClass, FallbackTrigger>> = {
  server_overloaded: "overloaded",
  rate_limited: "rate_limited",
  transport: "transport",
};

/** What has to be known of a route before a run is sent there. */
type Usability = Pick<RouteReadiness, "route_id" | "provider" | "state" | "message">;

/**
 * The next target of a run after a failure that its retries did not cure; undefined when there is none.
 * The request's fallback model comes first, on the run's own route (01-R85); then the route's chain, each target for
 * the failures of `fallback_on` only (02-A8). A target that could not be used now is passed over for good.
 */
export function nextFallback(
  route: PinnedRoute,
  taken: FallbackPlace | undefined,
  failure: ModelErrorClass,
  readiness: readonly Usability[],
): FallbackStep | undefined {
  const skipped: SkippedTarget[] = [];
  const chain = chainOf(route);
  for (let position = (taken?.position ?? -1) + 1; position < chain.length; position++) {
    const step = chain[position];
    if (step === undefined || !step.on(failure)) continue;
    const reason = step.target.route_id === route.route_id ? undefined : unusable(step.target, readiness);
    if (reason === undefined) return { position, target: step.target, skipped };
    skipped.push({ ...step.target, reason });
  }
  return undefined;
}

interface Link {
  target: RouteTarget;
  on: (failure: ModelErrorClass) => boolean;
}

function chainOf(route: PinnedRoute): Link[] {
  const { route_id, driver, fallback_model, fallbacks = [], fallback_on = [] } = route;
  const own = fallback_model === undefined ? [] : [{ route_id, driver, model: fallback_model }];
  const triggers = new Set<FallbackTrigger | undefined>(fallback_on);
  return [
    ...own.map((target) => ({ target, on: mayBeCuredByAnotherModel })),
    ...fallbacks.map((target) => ({
      target,
      on: (failure: ModelErrorClass) => TRIGGERS[failure] !== undefined && triggers.has(TRIGGERS[failure]),
    })),
  ];
}

function mayBeCuredByAnotherModel(failure: ModelErrorClass): boolean {
  return failure === "context_window_exceeded" || TRIGGERS[failure] !== undefined;
}

/** Why a call to the target would fail before it was sent (02-R36, 02-R37). */
function unusable({ route_id, driver }: RouteTarget, readiness: readonly Usability[]): string | undefined {
  const route = readiness.find((one) => one.route_id === route_id);
  if (route === undefined) return `route '${route_id}' no longer exists`;
  if (route.provider !== driver) return `route '${route_id}' is of another driver now`;
  return route.state === "error" ? route.message : undefined;
}
