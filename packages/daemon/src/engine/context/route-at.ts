import type { PinnedRoute } from "../ports.ts";
import type { RunRecord } from "../records.ts";
import type { RunState } from "../state.ts";

/** Where a run's calls go: its pinned route, or what it had fallen back to in that state (01-R85, 02-A8). */
export function routeAt({ route }: RunRecord, run: RunState | undefined): PinnedRoute {
  if (run?.fallback !== undefined) return run.fallback.target;
  // Fell back under a version that knew one fallback only.
  return run?.fallback_active === true ? { ...route, model: route.fallback_model ?? route.model } : route;
}
