import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { questionDetail } from "../../views/question.ts";
import { addRequestId, type RequestFlag, requestIdFrom } from "../request-id.ts";
import { findQuestion, type Place } from "./pending.ts";

export function defineShow(questions: Command, cli: Cli): void {
  addRequestId(questions.command("show").description("One question, with its options"))
    .option("--session-id <id>", "look in one session only")
    .action(async (positional: string | undefined, flags: RequestFlag & Place) => {
      const id = requestIdFrom(positional, flags);
      cli.output.print(await findQuestion(await cli.client(), id, flags), questionDetail);
    });
}
