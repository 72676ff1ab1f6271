import type { StatusWarning } from "@kheish/contract";
import type { LiveRoutes, RouteLoader } from "../../model/index.ts";
import type { OverlayEntry } from "./overlay.ts";
import type { Loaded } from "./reload.ts";

/** A daemon keeps the routes it loaded; that the file says something else by now is told, not followed (02-R39). */
export async function drift({ source }: Loaded, loader: RouteLoader): Promise<StatusWarning[]> {
  if (source.kind !== "routes_file") return [];
  const now = await loader.digest();
  if (now === source.sha256) return [];
  return [
    {
      severity: "warning",
      code: "route_file_drift",
      message:
        now === undefined
          ? "the routes file can no longer be read; the daemon goes on with what it loaded"
          : "the routes file has changed since the daemon loaded it",
      action: "see what would change with 'kheish runtime routes reload --dry-run', then reload",
    },
  ];
}

/** Routes that were added at run time and stand behind one of the file with the same name. */
export function shadowed(entries: readonly OverlayEntry[], live: LiveRoutes): StatusWarning[] {
  return entries
    .filter(({ route_id }) => live.find(route_id) !== undefined && live.originOf(route_id) !== "overlay")
    .map(({ route_id }) => ({
      severity: "warning",
      code: "route_overlay_shadowed",
      message: `route '${route_id}' was added at run time and is not used: the routes file has one of that name`,
      related_id: route_id,
      action: `remove one of the two; 'kheish runtime routes remove ${route_id}' removes the added one`,
    }));
}
