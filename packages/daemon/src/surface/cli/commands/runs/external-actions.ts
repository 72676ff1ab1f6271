import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { externalActionTable } from "../../views/external-actions.ts";

export function defineExternalActions(runs: Command, cli: Cli): void {
  runs
    .command("external-actions <run_id>")
    .description("Signed records of what a run did to the world outside")
    .action(async (runId: string) => {
      const client = await cli.client();
      const records = await client.call("externalActions", { params: { run_id: runId } });
      cli.output.print(records, externalActionTable);
    });
}
