import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { sessionDetail } from "../../views/session.ts";

export function defineGet(sessions: Command, cli: Cli): void {
  sessions
    .command("get <session_id>")
    .alias("show")
    .description("One session")
    .action(async (sessionId: string) => {
      const client = await cli.client();
      const params = { session_id: sessionId };
      cli.output.print(await client.call("getSession", { params }), sessionDetail);
    });
}
