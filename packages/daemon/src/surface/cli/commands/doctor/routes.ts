import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError, UsageError } from "../../errors.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { routesReportText } from "../../views/doctor-routes.ts";
import { examineRoutes, type RoutesFlags } from "./routes-report.ts";

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
    .action(async (flags: RoutesFlags) => {
      // 02-R46: a route that only stands in a file cannot run anything.
      if (flags.canary && flags.routesFile !== undefined) {
        throw new UsageError("--canary runs on a daemon's own routes: it does not go with --routes-file");
      }
      const report = await examineRoutes(cli, await cli.client(), flags);
      cli.output.print(report, routesReportText);
      if (!report.ok) throw new CliError("the doctor found problems with the routes");
    });
}
