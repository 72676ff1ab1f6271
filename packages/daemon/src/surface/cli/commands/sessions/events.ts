import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { sessionEventTable } from "../../views/session-events.ts";

interface Flags {
  afterOffset?: number;
  limit?: number;
}

export function defineEvents(sessions: Command, cli: Cli): void {
  sessions
    .command("events <session_id>")
    .description("What the agent saw and did, and how its runs moved")
    .option("--after-offset <n>", "begin behind this offset of the journal", wholeNumber(0))
    .option("--limit <n>", "journal entries at most", wholeNumber(1))
    .action(async (sessionId: string, { afterOffset, limit }: Flags) => {
      const client = await cli.client();
      const query = { after_offset: afterOffset?.toString(), limit: limit?.toString() };
      const log = await client.call("sessionEvents", { params: { session_id: sessionId }, query });
      cli.output.print(log, sessionEventTable);
    });
}
