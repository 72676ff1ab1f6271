import type { RouteTarget, RunFallback, RunView } from "@kheish/contract";
import type { FallbackTaken, RouteTarget as PinnedTarget, RunRecord } from "../../engine/index.ts";

/** What a run is pinned to, and how far it has fallen back (02-A8). */
export function routeView({ route, fallbacks = [] }: RunRecord): Pick<RunView, "route" | "fallbacks"> {
  const { fallback_model, fallbacks: chain, fallback_on } = route;
  return {
    route: {
      ...targetView(route),
      ...(fallback_model === undefined ? {} : { fallback_model }),
      ...(chain === undefined ? {} : { fallback: chain.map(targetView) }),
      ...(fallback_on === undefined ? {} : { fallback_on: [...fallback_on] }),
    },
    ...(fallbacks.length === 0
      ? {}
      : {
          fallbacks: fallbacks.map((taken) => ({
            at_ms: taken.at_ms,
            turn: taken.turn,
            ...fallbackView(taken),
          })),
        }),
  };
}

export function fallbackView({ from, target, failure, skipped }: FallbackTaken): RunFallback {
  return {
    from: targetView(from),
    to: targetView(target),
    error_class: failure,
    ...(skipped.length === 0
      ? {}
      : { skipped: skipped.map(({ reason, ...passed }) => ({ ...targetView(passed), reason })) }),
  };
}

function targetView({ route_id, driver, model }: PinnedTarget): RouteTarget {
  return { route_id, provider: driver, model };
}
