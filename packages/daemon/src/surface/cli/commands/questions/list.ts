import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addListFlags, type ListFlags, listQuery } from "../../flags/list.ts";
import { questionTable } from "../../views/question.ts";

interface Flags extends ListFlags {
  sessionId?: string;
}

export function defineList(questions: Command, cli: Cli): void {
  addListFlags(questions.command("list").description("Questions that somebody has to answer"))
    .option("--session-id <id>", "questions of one session")
    .action(async (flags: Flags) => {
      const client = await cli.client();
      const query = { ...listQuery(flags, cli.output.human), session_id: flags.sessionId };
      cli.output.print(await client.call("listQuestions", { query }), questionTable);
    });
}
