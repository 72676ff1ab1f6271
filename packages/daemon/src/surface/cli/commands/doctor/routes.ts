import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { CliError, messageOf, UsageError } from "../../errors.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { routesReportText } from "../../views/doctor-routes.ts";
import { type CanaryRow, sendCanary } from "./canary.ts";
import { readCandidate } from "./candidate.ts";
import { type Check, failed } from "./check.ts";
import { candidateDrift, inventoryChecks, loadedRoutes } from "./drift.ts";
import { authCheck, loadRoutes, type RouteReadiness, routeCheck } from "./readiness.ts";
import { staleReferences } from "./references.ts";

interface Flags {
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

const CANARY_TIMEOUT_MS = 90_000;

export function defineRoutes(doctor: Command, cli: Cli): void {
  doctor
    .command("routes")
    .description("Check the model routes of the daemon, or of a routes file that it has not loaded yet")
    .option("--route <id>", "check one route")
    .option("--default-route", "check the default route")
    .option(
      "--check-auth",
      "also say where each route's credential comes from; with --routes-file, look for it",
    )
    .option("--check-references", "also look for sessions and runs that name a route which is gone")
    .option("--canary", "also run a tiny prompt through each route")
    .option("--canary-timeout-ms <n>", "how long such a run may take", wholeNumber(1), CANARY_TIMEOUT_MS)
    .option("--routes-file <path>", "check this file in place of what the daemon has loaded")
    .action(async (flags: Flags) => {
      // 02-R46: a route that only stands in a file cannot run anything.
      if (flags.canary && flags.routesFile !== undefined) {
        throw new UsageError("--canary runs on a daemon's own routes: it does not go with --routes-file");
      }
      const report = await examineRoutes(cli, await cli.client(), flags);
      cli.output.print(report, routesReportText);
      if (!report.ok) throw new CliError("the doctor found problems with the routes");
    });
}

/** The routes to look at, and what was found about all of them together. */
interface Inventory {
  all: RouteReadiness[];
  checks: Check[];
}

async function examineRoutes(cli: Cli, client: DaemonClient, flags: Flags): Promise<RoutesReport> {
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

async function inventory(cli: Cli, client: DaemonClient, flags: Flags): Promise<Inventory> {
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
async function references(client: DaemonClient, all: RouteReadiness[], flags: Flags): Promise<Check[]> {
  try {
    return await staleReferences(client, all);
  } catch (error) {
    if (flags.routesFile === undefined) throw error;
    const message = `references can only be checked on a running daemon: ${messageOf(error)}`;
    return [failed("references", "route_reference_check_requires_runtime", message)];
  }
}

function noRoute({ route, defaultRoute }: Flags): Check {
  if (route !== undefined) return failed("routes", "route_not_found", `there is no route '${route}'`);
  if (defaultRoute) return failed("routes", "active_route_missing", "no route is the default");
  return failed("routes", "route_inventory_empty", "the daemon has no route");
}
