import type { Json, JsonObject } from "@kheish/contract";
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { messageOf, UsageError } from "../errors.ts";
import { readTextFile } from "./named-file.ts";

export interface DocumentFlags {
  file?: string;
  stdin?: boolean;
  reset?: boolean;
}

/** A JSON document from a file or standard input, or the defaults. */
export function addDocumentFlags(command: Command): Command {
  return command
    .option("--file <path>", "the JSON document")
    .option("--stdin", "read the JSON document from standard input")
    .option("--reset", "back to the defaults");
}

/** The document; `undefined` is `--reset`. Exactly one of the three has to be given. */
export async function readDocument(
  { file, stdin, reset }: DocumentFlags,
  context: CliContext,
): Promise<JsonObject | undefined> {
  if ([file !== undefined, stdin, reset].filter(Boolean).length !== 1) {
    throw new UsageError("give one of --file, --stdin and --reset");
  }
  if (reset) return undefined;
  const text = file === undefined ? await context.terminal.readInput() : await readTextFile(file, context);
  const value = parsed(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new UsageError("the document is not a JSON object");
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new UsageError(`the document is not JSON: ${messageOf(error)}`);
  }
}
