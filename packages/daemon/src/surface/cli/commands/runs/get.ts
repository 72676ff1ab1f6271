import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { runDetail } from "../../views/run.ts";

export function defineGet(runs: Command, cli: Cli): void {
  runs
    .command("get <run_id>")
    .alias("show")
    .description("One run")
    .action(async (runId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getRun", { params: { run_id: runId } }), runDetail);
    });
}
