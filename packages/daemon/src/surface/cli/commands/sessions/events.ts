import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { sessionEventTable } from "../../views/session-events.ts";

export function defineEvents(sessions: Command, cli: Cli): void {
  sessions
    .command("events <session_id>")
    .description("What the agent saw and did, and how its runs moved")
    .action(async (sessionId: string) => {
      const client = await cli.client();
      const params = { session_id: sessionId };
      cli.output.print(await client.call("sessionEvents", { params }), sessionEventTable);
    });
}
