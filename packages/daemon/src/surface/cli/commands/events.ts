import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { addCursorFlag, type CursorFlag, printStream } from "./follow.ts";

interface Flags extends CursorFlag {
  sessionId?: string;
  runId?: string;
}

export function define(events: Command, cli: Cli): void {
  addCursorFlag(events.command("stream"))
    .aliases(["watch", "follow"])
    .description("Everything that happens in the daemon, as it happens")
    .option("--session-id <id>", "events of one session")
    .option("--run-id <id>", "events of one run")
    .action(async ({ cursor, sessionId, runId }: Flags) => {
      const query = { cursor, session_id: sessionId, run_id: runId };
      await printStream(cli, "eventsStream", { query });
    });
}
