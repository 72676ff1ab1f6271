import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { debugTable } from "../../views/debug.ts";

export function defineDebug(runs: Command, cli: Cli): void {
  runs
    .command("debug <run_id>")
    .description("Debug evidence kept of a run")
    .action(async (runId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("runDebug", { params: { run_id: runId } }), debugTable);
    });
}

export function defineDebugArtifact(runs: Command, cli: Cli): void {
  runs
    .command("debug-artifact <run_id> <artifact_id>")
    .description("One piece of debug evidence, as it was captured")
    .action(async (runId: string, artifactId: string) => {
      const client = await cli.client();
      const params = { run_id: runId, artifact_id: artifactId };
      cli.output.raw(await client.call("runDebugArtifact", { params }));
    });
}
