import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { runDetail } from "../../views/run.ts";

export function defineCancel(runs: Command, cli: Cli): void {
  runs
    .command("cancel <run_id>")
    .description("Cancel a run; one that has ended stays as it is")
    .action(async (runId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("cancelRun", { params: { run_id: runId } }), runDetail);
    });
}
