import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { runEventTable } from "../../views/run-events.ts";

export function defineEvents(runs: Command, cli: Cli): void {
  runs
    .command("events <run_id>")
    .description("How a run moved")
    .action(async (runId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("runEvents", { params: { run_id: runId } }), runEventTable);
    });
}
