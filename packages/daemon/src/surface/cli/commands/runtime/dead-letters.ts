import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { deadLetterDetail, deadLetterList } from "../../views/hook-dead-letter.ts";

/** Hooks that could not be called, and that somebody looked after it (03, CLI). */
export function defineDeadLetters(hooks: Command, cli: Cli): void {
  hooks
    .command("dead-letter")
    .description("Hooks that could not be called, oldest first")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listHookDeadLetters"), deadLetterList);
    });

  hooks
    .command("resolve-dead-letter <dead_letter_id>")
    .description("Say that one was looked after; the status warns of it no more")
    .requiredOption("--reason <text>", "recorded with it")
    .action(async (dead_letter_id: string, { reason }: { reason: string }) => {
      const client = await cli.client();
      const call = { params: { dead_letter_id }, body: { reason } };
      cli.output.print(await client.call("resolveHookDeadLetter", call), deadLetterDetail);
    });
}
