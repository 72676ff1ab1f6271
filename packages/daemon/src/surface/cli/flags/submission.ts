import { type CompletionRequirement, Json, type SubmitInputRequest } from "@kheish/contract";
import type { Command } from "commander";
import type { z } from "zod";
import type { DaemonClient } from "../client/client.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { attachmentsFrom } from "./attachments.ts";
import { addGenerationFlags, type GenerationFlags, generationFrom } from "./generation.ts";
import { addJsonPair, readJsonPair } from "./json-pair.ts";
import { readTextFile } from "./named-file.ts";
import { repeated } from "./numbers.ts";
import { selectRoute } from "./route-selection.ts";

export interface SubmissionFlags extends GenerationFlags {
  contentFile?: string;
  stdin?: boolean;
  file?: string[];
  asset?: string[];
  sourcePlugin?: string;
  sourceKind?: string;
  actorId?: string;
  idempotencyKey?: string;
  metadataJson?: string;
  metadataFile?: string;
  replyPlugin?: string;
  replyAddress?: string;
  provider?: string;
  requireWorkspaceFileWrite?: boolean;
  requireWorkspaceFilePath?: string[];
}

/** Everything a submission may say besides its text. */
export function addSubmissionFlags(command: Command): Command {
  command
    .option("--content-file <path>", "the text, from a file")
    .option("--stdin", "the text, from standard input")
    .option("--file <path>", "attach a file; repeatable", repeated)
    .option("--asset <id>", "attach an asset of the daemon; repeatable", repeated)
    .option("--source-plugin <name>", "where the work comes from")
    .option("--source-kind <kind>", "what kind of source that is")
    .option("--actor-id <id>", "on whose behalf")
    .option("--idempotency-key <key>", "makes a repetition harmless")
    .option("--reply-plugin <name>", "connector that delivers the outputs")
    .option("--reply-address <address>", "where that connector delivers them")
    .option("--provider <route>", "route id")
    .option("--require-workspace-file-write", "the run must write the file of --require-workspace-file-path")
    .option("--require-workspace-file-path <path>", "a file the run must write; repeatable", repeated);
  addJsonPair(command, "metadata", "metadata kept with the run");
  return addGenerationFlags(command);
}

export async function submissionFrom(
  content: string | undefined,
  flags: SubmissionFlags,
  client: DaemonClient,
  context: CliContext,
): Promise<z.input<typeof SubmitInputRequest>> {
  const text = await contentFrom(content, flags, context);
  const attachments = await attachmentsFrom(flags.file ?? [], flags.asset ?? [], context);
  if (!text && attachments.length === 0) {
    throw new UsageError("nothing to submit: give the text, --content-file, --stdin, --file or --asset");
  }
  const metadata = { json: flags.metadataJson, file: flags.metadataFile };
  return {
    content: text ?? "",
    attachments,
    ...(await selectRoute(client, flags.provider, await generationFrom(flags, context))),
    source_plugin: flags.sourcePlugin,
    source_kind: flags.sourceKind,
    actor_id: flags.actorId,
    idempotency_key: flags.idempotencyKey,
    metadata: await readJsonPair(metadata, Json, "metadata", context),
    reply_plugin: flags.replyPlugin,
    reply_address: flags.replyAddress,
    completion_requirements: requirementsFrom(flags),
  };
}

async function contentFrom(
  content: string | undefined,
  { contentFile, stdin }: SubmissionFlags,
  context: CliContext,
): Promise<string | undefined> {
  const sources = [content, contentFile, stdin].filter((source) => source !== undefined);
  if (sources.length > 1) throw new UsageError("give the text once: as argument, --content-file or --stdin");
  if (contentFile !== undefined) return readTextFile(contentFile, context);
  return stdin ? context.terminal.readInput() : content;
}

function requirementsFrom(flags: SubmissionFlags): CompletionRequirement[] | undefined {
  const paths = flags.requireWorkspaceFilePath ?? [];
  if (flags.requireWorkspaceFileWrite && paths.length === 0) {
    throw new UsageError("--require-workspace-file-write needs --require-workspace-file-path");
  }
  return paths.length === 0 ? undefined : paths.map((path) => ({ type: "workspace_file", path }));
}
