import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addCursorFlag, type CursorFlag, printStream } from "../follow.ts";

interface Flags extends CursorFlag {
  snapshot?: boolean;
}

export function defineStream(sessions: Command, cli: Cli): void {
  addCursorFlag(sessions.command("stream <session_id>"))
    .aliases(["watch", "follow"])
    .description("Events of a session as they happen")
    .option("--snapshot", "begin with the session as it is")
    .action(async (sessionId: string, { cursor, snapshot }: Flags) => {
      const query = { cursor, snapshot: snapshot ? "true" : undefined };
      await printStream(cli, "sessionStream", { params: { session_id: sessionId }, query });
    });
}
