import { createHash } from "node:crypto";
import type { AuthSlotStatus } from "@kheish/contract";
import type { RouteReadiness } from "../../engine/ports.ts";
import { type LoadRoutesOptions, loadRoutes } from "./inventory.ts";
import { readinessOf } from "./readiness.ts";
import type { Route } from "./route.ts";
import { arrange } from "./route-set.ts";

/** A routes file as a daemon with this environment would take it. */
export interface ExaminedFile {
  sha256: string;
  routes: { readiness: RouteReadiness; hasCredential: boolean }[];
}

/** Reads a routes file without a daemon. Throws `RouteConfigError` for what would keep one from starting. */
export function examineFile(
  file: string,
  options: Pick<LoadRoutesOptions, "env" | "defaultRoute" | "noSimulator"> & {
    /** What is known of slots; without it a route that has one counts as without a credential. */
    slotStatus?: (slotId: string) => AuthSlotStatus | undefined;
  },
): ExaminedFile {
  const { slotStatus = () => undefined } = options;
  const routes = arrange(loadRoutes({ ...options, file }));
  return {
    sha256: createHash("sha256").update(file).digest("hex"),
    routes: routes.map((route) => ({
      readiness: beforeImport(route, readinessOf(route, routes[0], slotStatus)),
      hasCredential: route.credential.kind === "key" || route.credential.kind === "none",
    })),
  };
}

/** The slot of a login that is taken over at the start is not missing before it. */
function beforeImport(route: Route, readiness: RouteReadiness): RouteReadiness {
  const { credential, route_id } = route;
  if (readiness.code !== "auth_slot_missing" || credential.kind !== "slot" || credential.login === undefined)
    return readiness;
  return {
    ...readiness,
    state: "warning",
    code: "auth_account_not_imported",
    message: `Route '${route_id}' signs in with a login of ${credential.login.program}, which the daemon takes over when it starts.`,
    action: `It needs the master key for that, and the file of the login.`,
  };
}
