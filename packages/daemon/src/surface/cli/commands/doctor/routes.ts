import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { CliError } from "../../errors.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { routesReportText } from "../../views/doctor-routes.ts";
import { type CanaryRow, sendCanary } from "./canary.ts";
import { type Check, failed } from "./check.ts";
import { loadRoutes, type RouteReadiness, routeCheck } from "./readiness.ts";
import { staleReferences } from "./references.ts";

interface Flags {
  route?: string;
  defaultRoute?: boolean;
  checkReferences?: boolean;
  canary?: boolean;
  canaryTimeoutMs: number;
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
    .description("Check the model routes of the daemon")
    .option("--route <id>", "check one route")
    .option("--default-route", "check the default route")
    .option("--check-references", "also look for sessions and runs that name a route which is gone")
    .option("--canary", "also run a tiny prompt through each route")
    .option("--canary-timeout-ms <n>", "how long such a run may take", wholeNumber(1), CANARY_TIMEOUT_MS)
    .action(async (flags: Flags) => {
      const report = await examineRoutes(cli, await cli.client(), flags);
      cli.output.print(report, routesReportText);
      if (!report.ok) throw new CliError("the doctor found problems with the routes");
    });
}

async function examineRoutes({ context }: Cli, client: DaemonClient, flags: Flags): Promise<RoutesReport> {
  const all = await loadRoutes(client);
  const routes = all
    .filter(({ route_id }) => flags.route === undefined || route_id === flags.route)
    .filter(({ active }) => !flags.defaultRoute || active);
  const diagnostics = [
    ...(routes.length === 0 ? [noRoute(flags)] : routes.map(routeCheck)),
    ...(flags.checkReferences ? await staleReferences(client, all) : []),
  ];
  const canary: CanaryRow[] = [];
  for (const route of flags.canary ? routes : []) {
    canary.push(await sendCanary(client, context.clock, route.route_id, flags.canaryTimeoutMs));
  }
  const healthy = diagnostics.every(({ ok, severity }) => ok || severity !== "error");
  return {
    ok: healthy && canary.every(({ state }) => state === "passed"),
    routes,
    diagnostics,
    ...(flags.canary && { canary }),
  };
}

function noRoute({ route, defaultRoute }: Flags): Check {
  if (route !== undefined) return failed("routes", "route_not_found", `there is no route '${route}'`);
  if (defaultRoute) return failed("routes", "active_route_missing", "no route is the default");
  return failed("routes", "route_inventory_empty", "the daemon has no route");
}
