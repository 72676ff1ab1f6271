import type { RunView } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { CliError } from "../../errors.ts";
import { addBatchFlags, type Behavior, type DecisionFlags } from "../../flags/decision.ts";
import type { Style } from "../../output/output.ts";
import { runTable } from "../../views/run.ts";
import { awaitRun, settlementFailure } from "../settle.ts";
import { waitingRuns } from "./pending.ts";

interface Flags extends DecisionFlags {
  sessionId?: string;
}

/** What came of one run. A run that refused does not keep the others from being decided. */
interface Outcome {
  run: RunView;
  failure: CliError | undefined;
}

interface GroupedResult {
  behavior: Behavior;
  runs: RunView[];
  failures: { run_id: string; error: string }[];
}

const descriptions = {
  allow: "Allow all pending approvals, one atomic batch a run",
  deny: "Deny all pending approvals, one atomic batch a run",
};

export function defineDecideAll(approvals: Command, behavior: Behavior, cli: Cli): void {
  const command = approvals
    .command(`${behavior}-all`)
    .description(descriptions[behavior])
    .option("--session-id <id>", "approvals of one session");
  addBatchFlags(command, behavior).action(async (flags: Flags) => {
    const client = await cli.client();
    const waiting = await waitingRuns(client, flags.sessionId);
    const outcomes = await Promise.all(
      waiting.map((run) => outcomeOf(run, () => decideRun(cli, client, run, behavior, flags))),
    );
    cli.output.print(grouped(behavior, outcomes), groupedText);
    const failure = outcomes.find((outcome) => outcome.failure !== undefined)?.failure;
    if (failure !== undefined) throw failure;
  });
}

async function outcomeOf(waiting: RunView, decide: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await decide();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { run: waiting, failure: error };
  }
}

async function decideRun(
  cli: Cli,
  client: DaemonClient,
  { run_id, pending_approval_ids = [] }: RunView,
  behavior: Behavior,
  flags: Flags,
): Promise<Outcome> {
  const { justification, reason, idempotencyKey } = flags;
  const run = await client.call("resolveRunApprovals", {
    params: { run_id },
    body: {
      resolutions: pending_approval_ids.map((id) => ({ request_id: id, behavior, justification, reason })),
      idempotency_key: idempotencyKey,
    },
  });
  if (!flags.wait) return { run, failure: undefined };
  const result = await awaitRun(cli, client, run_id, flags);
  return { run: result.run ?? run, failure: settlementFailure(cli, result) };
}

function grouped(behavior: Behavior, outcomes: readonly Outcome[]): GroupedResult {
  return {
    behavior,
    runs: outcomes.map(({ run }) => run),
    failures: outcomes.flatMap(({ run, failure }) =>
      failure === undefined ? [] : [{ run_id: run.run_id, error: failure.message }],
    ),
  };
}

function groupedText({ runs, failures }: GroupedResult, style: Style): string {
  if (runs.length === 0) return "No pending approvals.";
  // One alone is what the command ends with.
  const told = failures.length > 1 ? failures : [];
  const lines = told.map(({ run_id, error }) =>
    style.colors.red(error.startsWith(run_id) ? error : `${run_id}: ${error}`),
  );
  return [runTable(runs, style), ...lines].join("\n");
}
