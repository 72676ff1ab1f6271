import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { endsRun } from "../../views/stream-line.ts";
import { addCursorFlag, type CursorFlag, printStream } from "../follow.ts";

interface Flags extends CursorFlag {
  snapshot?: boolean;
  until?: "terminal";
}

export function defineStream(runs: Command, cli: Cli): void {
  addCursorFlag(runs.command("stream <run_id>"))
    .alias("follow")
    .description("Events of a run as they happen")
    .option("--snapshot", "begin with the run as it is")
    .addOption(new Option("--until <moment>", "end with the run").choices(["terminal"]))
    .action(async (runId: string, { cursor, snapshot, until }: Flags) => {
      const query = { cursor, until, snapshot: snapshot ? "true" : undefined };
      const options = until === undefined ? {} : { isLast: endsRun };
      await printStream(cli, "runStream", { params: { run_id: runId }, query }, options);
    });
}
