import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { runDetail } from "../../views/run.ts";
import { addRequestId, type RequestFlag, requestIdFrom } from "../request-id.ts";
import { type Place, runOfQuestion } from "./pending.ts";

interface Flags extends RequestFlag, Place {
  justification?: string;
  idempotencyKey?: string;
}

export function defineCancel(questions: Command, cli: Cli): void {
  addRequestId(questions.command("cancel").description("Cancel a question, and with it the run that asks"))
    .option("--run-id <id>", "the run that asks")
    .option("--session-id <id>", "the session whose run asks")
    .option("--justification <text>", "recorded with the cancellation")
    .option("--idempotency-key <key>", "makes a repetition harmless; needs --run-id")
    .action(async (positional: string | undefined, flags: Flags) => {
      const requestId = requestIdFrom(positional, flags);
      // Once it is cancelled the question cannot be looked up: a repetition has to name its run.
      if (flags.idempotencyKey !== undefined && flags.runId === undefined) {
        throw new UsageError("--idempotency-key needs --run-id");
      }
      const client = await cli.client();
      const run = await client.call("cancelRunQuestion", {
        params: { run_id: await runOfQuestion(client, requestId, flags), request_id: requestId },
        body: { justification: flags.justification, idempotency_key: flags.idempotencyKey },
      });
      cli.output.print(run, runDetail);
    });
}
