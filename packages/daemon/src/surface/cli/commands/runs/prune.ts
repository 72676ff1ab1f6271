import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { plainFields } from "../../output/fields.ts";

interface Flags {
  olderThanMs: number;
  sessionId?: string;
  limit?: number;
  dryRun?: boolean;
}

export function definePrune(runs: Command, cli: Cli): void {
  runs
    .command("prune")
    .description("Delete the debug evidence of old runs; the runs themselves stay")
    .requiredOption("--older-than-ms <n>", "runs that ended at least this long ago", wholeNumber(1))
    .option("--session-id <id>", "runs of one session")
    .option("--limit <n>", "runs at most", wholeNumber(1))
    .option("--dry-run", "only tell what would be deleted")
    .action(async (flags: Flags) => {
      const client = await cli.client();
      const body = {
        older_than_ms: flags.olderThanMs,
        session_id: flags.sessionId,
        limit: flags.limit,
        dry_run: flags.dryRun ?? false,
      };
      cli.output.print(await client.call("pruneRuns", { body }), plainFields);
    });
}
