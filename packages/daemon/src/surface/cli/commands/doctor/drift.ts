import type { RouteListView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { type Check, warned } from "./check.ts";

/** What a daemon loaded its routes from; undefined for a daemon that does not tell, or is not there. */
export async function loadedRoutes(client: DaemonClient): Promise<RouteListView | undefined> {
  try {
    return await client.call("listRoutes");
  } catch {
    // An older daemon, a read-only token, no daemon at all: none of them is a fault of the routes.
    return undefined;
  }
}

/** What the daemon itself finds wrong with its inventory, drift of its file first (02-R39). */
export function inventoryChecks({ diagnostics }: RouteListView): Check[] {
  return diagnostics.map((warning) => warned("inventory", warning));
}

/** Whether the running daemon has loaded this very file (02-R39). */
export function candidateDrift({ inventory }: RouteListView, sha256: string): Check[] {
  if (inventory.routes_file_sha256 === sha256) return [];
  return [
    {
      name: "inventory",
      code: "route_file_drift",
      ok: false,
      severity: "warning",
      message: "the running daemon has loaded something else than this file",
      action: "put it where the daemon reads its routes, then 'kheish runtime routes reload'",
    },
  ];
}
