import type { RunView } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { CliError, describeFailure } from "../../errors.ts";
import { addBatchFlags, type Behavior, type DecisionFlags } from "../../flags/decision.ts";
import { itemsOf, type Style } from "../../output/output.ts";
import { runTable } from "../../views/run.ts";
import { awaitRun, settlementFailure } from "../settle.ts";
import { approvalsOf, waitingRuns } from "./pending.ts";

interface Flags extends DecisionFlags {
  sessionId?: string;
}

/** What came of every run; a run that refused does not keep the others from being decided. */
interface GroupedResult {
  behavior: Behavior;
  resolved_count: number;
  runs: RunView[];
  failures: { run_id: string; error: string }[];
}

export function defineDecideAll(approvals: Command, behavior: Behavior, cli: Cli): void {
  const command = approvals
    .command(`${behavior}-all`)
    .description(`${behavior === "allow" ? "Allow" : "Deny"} all pending approvals, one atomic batch a run`)
    .option("--session-id <id>", "approvals of one session");
  addBatchFlags(command, behavior).action(async (flags: Flags) => {
    const client = await cli.client();
    const result: GroupedResult = { behavior, resolved_count: 0, runs: [], failures: [] };
    const errors: CliError[] = [];
    for (const waiting of await waitingRuns(client, flags.sessionId)) {
      try {
        result.runs.push(await decideRun(client, waiting, behavior, flags));
        result.resolved_count += approvalsOf(waiting).length;
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        errors.push(error);
        result.failures.push({ run_id: waiting.run_id, error: error.message });
      }
    }
    if (flags.wait) errors.push(...(await awaitAll(cli, client, result, flags)));
    cli.output.print(result, resultText);
    const [first] = errors;
    if (first !== undefined) throw first;
  });
}
