import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../errors.ts";
import { counted } from "../../output/text.ts";
import { reportText } from "../../views/doctor.ts";
import { examine } from "./report.ts";
import { defineRoutes } from "./routes.ts";

export function define(doctor: Command, cli: Cli): void {
  doctor
    .option("--cors-origin <origin>", "also check that browsers may call the daemon from this origin")
    .action(async ({ corsOrigin }: { corsOrigin?: string }) => {
      const client = await cli.client();
      if (cli.output.human) cli.context.terminal.err("Listening to the event stream, at most 12 s ...\n");
      const report = await examine(client, corsOrigin);
      cli.output.print(report, reportText);
      if (!report.ok) throw new CliError(`the doctor found ${counted(report.errors.length, "problem")}`);
    });
  defineRoutes(doctor, cli);
}
