import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addPatienceFlags, type WaitFlags } from "../../flags/wait.ts";
import { awaitRun, printSettled } from "../settle.ts";

const POLL_INTERVAL_MS = 500;

export function defineWait(runs: Command, cli: Cli): void {
  addPatienceFlags(runs.command("wait <run_id>"), POLL_INTERVAL_MS)
    .description("Wait until a run has ended (exit code 0 or 10) or waits for a human (9)")
    .action(async (runId: string, flags: WaitFlags) => {
      printSettled(cli, await awaitRun(cli, await cli.client(), runId, flags));
    });
}
