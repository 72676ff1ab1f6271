import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addSubmissionFlags, type SubmissionFlags, submissionFrom } from "../../flags/submission.ts";
import { addWaitFlags, type WaitFlags } from "../../flags/wait.ts";
import { printOrAwait } from "../settle.ts";

const POLL_INTERVAL_MS = 500;

export function defineInput(sessions: Command, cli: Cli): void {
  const input = sessions
    .command("input <session_id> [content]")
    .alias("send")
    .description("Submit work; the daemon owns it from then on");
  addWaitFlags(addSubmissionFlags(input), POLL_INTERVAL_MS).action(
    async (sessionId: string, content: string | undefined, flags: SubmissionFlags & WaitFlags) => {
      const client = await cli.client();
      const body = await submissionFrom(content, flags, client, cli.context);
      const run = await client.call("submitRun", { params: { session_id: sessionId }, body });
      await printOrAwait(cli, client, run, flags);
    },
  );
}
