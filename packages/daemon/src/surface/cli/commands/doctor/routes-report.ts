import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { messageOf } from "../../errors.ts";
import { type CanaryRow, sendCanary } from "./canary.ts";
import { readCandidate } from "./candidate.ts";
import { type Check, failed } from "./check.ts";
import { candidateDrift, inventoryChecks, loadedRoutes } from "./drift.ts";
import { authCheck, loadRoutes, type RouteReadiness, routeCheck } from "./readiness.ts";
import { staleReferences } from "./references.ts";

/** Which routes are looked at, and how closely. */
export interface RoutesFlags {
  route?: string;
  defaultRoute?: boolean;
  checkAuth?: boolean;
  checkReferences?: boolean;
  canary?: boolean;
  canaryTimeoutMs: number;
  routesFile?: string;
}

export interface RoutesReport {
  ok: boolean;
  routes: RouteReadiness[];
  diagnostics: Check[];
  canary?: CanaryRow[];
}

/** The routes to look at, and what was found about all of them together. */
interface Inventory {
  all: RouteReadiness[];
  checks: Check[];
}

export async function examineRoutes(
  cli: Cli,
  client: DaemonClient,
  flags: RoutesFlags,
): Promise<RoutesReport> {
  const { all, checks } = await inventory(cli, client, flags);
  const routes = all
    .filter(({ route_id }) => flags.route === undefined || route_id === flags.route)
    .filter(({ active }) => !flags.defaultRoute || active);
  const broken = checks.some(({ code }) => code === "routes_file_invalid");
  const diagnostics = [
    ...checks,
    ...(routes.length === 0 && !broken ? [noRoute(flags)] : routes.map(routeCheck)),
    ...(flags.checkAuth ? routes.map(authCheck) : []),
    ...(flags.checkReferences && !broken ? await references(client, all, flags) : []),
  ];
  const canary: CanaryRow[] = [];
  for (const route of flags.canary ? routes : []) {
    canary.push(await sendCanary(client, cli.context.clock, route.route_id, flags.canaryTimeoutMs));
  }
  const healthy = diagnostics.every(({ ok, severity }) => ok || severity !== "error");
  return {
    ok: healthy && canary.every(({ state }) => state === "passed"),
    routes,
    diagnostics,
    ...(flags.canary && { canary }),
  };
}

async function inventory(cli: Cli, client: DaemonClient, flags: RoutesFlags): Promise<Inventory> {
  if (flags.routesFile === undefined) {
    const all = await loadRoutes(client);
    const loaded = await loadedRoutes(client);
    return { all, checks: loaded === undefined ? [] : inventoryChecks(loaded) };
  }
  const { routes, sha256, mistake } = await readCandidate(
    flags.routesFile,
    flags.checkAuth === true,
    cli.context,
    client,
  );
  if (mistake !== undefined) return { all: [], checks: [mistake] };
  const loaded = await loadedRoutes(client);
  const drift = loaded === undefined || sha256 === undefined ? [] : candidateDrift(loaded, sha256);
  return { all: routes, checks: drift };
}

/** Who names a route is known to the daemon only; a file can be checked against that before it is loaded. */
async function references(client: DaemonClient, all: RouteReadiness[], flags: RoutesFlags): Promise<Check[]> {
  try {
    return await staleReferences(client, all);
  } catch (error) {
    if (flags.routesFile === undefined) throw error;
    const message = `references can only be checked on a running daemon: ${messageOf(error)}`;
    return [failed("references", "route_reference_check_requires_runtime", message)];
  }
}

function noRoute({ route, defaultRoute }: RoutesFlags): Check {
  if (route !== undefined) return failed("routes", "route_not_found", `there is no route '${route}'`);
  if (defaultRoute) return failed("routes", "active_route_missing", "no route is the default");
  return failed("routes", "route_inventory_empty", "the daemon has no route");
}
