import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { sessionDetail } from "../../views/session.ts";

export function defineEnd(sessions: Command, cli: Cli): void {
  sessions
    .command("end <session_id>")
    .description("Mark a session as ended; new work reopens it")
    .option("--reason <text>", "why")
    .action(async (sessionId: string, { reason }: { reason?: string }) => {
      const client = await cli.client();
      const params = { session_id: sessionId };
      cli.output.print(await client.call("endSession", { params, body: { reason } }), sessionDetail);
    });
}
