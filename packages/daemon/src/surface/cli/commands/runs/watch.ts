import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { endsRun, updatedRun } from "../../views/stream-line.ts";
import { watchRun } from "../../watch/watch-run.ts";
import { printStream } from "../follow.ts";
import { settlementFailure } from "../settle.ts";

interface Flags {
  fromStart?: boolean;
}

export function defineWatch(runs: Command, cli: Cli): void {
  runs
    .command("watch <run_id>")
    .description("Watch a run live until it has ended; in a pipe, its stream")
    .option("--from-start", "begin with the run's first event instead of now")
    .action(async (runId: string, { fromStart = false }: Flags) => {
      const run = cli.output.human
        ? await watchRun(cli, await cli.client(), runId, fromStart)
        : await streamRun(cli, runId, fromStart);
      const failure = run && settlementFailure(cli, { run, timedOut: false });
      if (failure !== undefined) throw failure;
    });
}

async function streamRun(cli: Cli, runId: string, fromStart: boolean) {
  const place = fromStart ? { cursor: "0" } : { snapshot: "true" };
  const input = { params: { run_id: runId }, query: { ...place, until: "terminal" } };
  const last = await printStream(cli, "runStream", input, { isLast: endsRun });
  return last && updatedRun(last);
}
