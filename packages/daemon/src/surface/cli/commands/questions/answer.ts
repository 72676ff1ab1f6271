import { QuestionAnswer } from "@kheish/contract";
import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { UsageError } from "../../errors.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { addWaitFlags, type WaitFlags } from "../../flags/wait.ts";
import { addRequestId, type RequestFlag, requestIdFrom } from "../request-id.ts";
import { printOrAwait } from "../settle.ts";
import { askInteractively } from "./interactive.ts";
import { findQuestion, type Place, runOfQuestion } from "./pending.ts";

interface Flags extends RequestFlag, Place, WaitFlags {
  answersJson?: string;
  answersFile?: string;
  interactive?: boolean;
  declined?: boolean;
  justification?: string;
  idempotencyKey?: string;
}

const POLL_INTERVAL_MS = 200;

export function defineAnswer(questions: Command, cli: Cli): void {
  const answer = addRequestId(questions.command("answer").description("Answer a question, or decline to"))
    .option("--run-id <id>", "the run that asks")
    .option("--session-id <id>", "the session whose run asks")
    .option("--interactive", "be asked, and answer line by line")
    .option("--declined", "decline to answer")
    .option("--justification <text>", "recorded with the answer")
    .option("--idempotency-key <key>", "makes a repetition harmless");
  addJsonPair(answer, "answers", "a list of {question_id, selected_option_ids, freeform_answer}");
  addWaitFlags(answer, POLL_INTERVAL_MS).action(async (positional: string | undefined, flags: Flags) => {
    const requestId = requestIdFrom(positional, flags);
    const given = await answersFrom(flags, cli);
    const client = await cli.client();
    const { answers, runId } = await completed(cli, client, requestId, given, flags);
    const run = await client.call("answerRunQuestion", {
      params: { run_id: runId },
      body: {
        resolution: {
          request_id: requestId,
          answers,
          declined: flags.declined ?? false,
          justification: flags.justification,
        },
        idempotency_key: flags.idempotencyKey,
      },
    });
    await printOrAwait(cli, client, run, flags);
  });
}

/** The answers of the command line; "ask" when they are to be asked for. Exactly one way must be chosen. */
async function answersFrom(flags: Flags, { context }: Cli): Promise<QuestionAnswer[] | "ask"> {
  const source = { json: flags.answersJson, file: flags.answersFile };
  const answers = await readJsonPair(source, z.array(QuestionAnswer), "answers", context);
  const ways = [answers !== undefined, flags.interactive, flags.declined].filter(Boolean);
  if (ways.length !== 1) {
    throw new UsageError("give one of --answers-json, --answers-file, --interactive and --declined");
  }
  return flags.interactive ? "ask" : (answers ?? []);
}

async function completed(
  cli: Cli,
  client: DaemonClient,
  requestId: string,
  given: QuestionAnswer[] | "ask",
  flags: Flags,
): Promise<{ answers: QuestionAnswer[]; runId: string }> {
  if (given !== "ask") return { answers: given, runId: await runOfQuestion(client, requestId, flags) };
  const { request, run_id } = await findQuestion(client, requestId, flags);
  const runId = run_id ?? (await runOfQuestion(client, requestId, flags));
  return { answers: await askInteractively(request.questions, cli), runId };
}
