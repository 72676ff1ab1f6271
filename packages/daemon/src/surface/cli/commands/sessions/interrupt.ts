import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { plainFields } from "../../output/fields.ts";

export function defineInterrupt(sessions: Command, cli: Cli): void {
  sessions
    .command("interrupt <session_id>")
    .description("Stop what the session is doing; queued runs follow unless the queue is cleared")
    .option("--clear-queue", "also cancel the runs that wait behind it")
    .action(async (sessionId: string, { clearQueue }: { clearQueue?: boolean }) => {
      const client = await cli.client();
      const response = await client.call("interruptSession", {
        params: { session_id: sessionId },
        query: { clear_queue: clearQueue ? "true" : undefined },
      });
      cli.output.print(response, ({ interrupted, snapshot }, style) =>
        plainFields({ interrupted, status: snapshot.agent.status }, style),
      );
    });
}
