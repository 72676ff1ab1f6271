import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Reconciled, Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { workspaceBoundary } from "../boundary.ts";
import { sha256Hex } from "../bytes.ts";
import { defineTool } from "../define.ts";
import { success } from "../outcome.ts";
import { discard, replaceable, replaceFile, statEntry } from "../workspace/replace.ts";
import { entryDigest, requireDigest } from "./digest.ts";
import { type Entry, withEntry } from "./entry.ts";
import { path, sha256, text } from "./fields.ts";

const WriteFileInput = z
  .strictObject({
    path,
    content: text.optional().describe("The whole new text of the file, stored as UTF-8."),
    content_base64: z.base64().optional().describe("The whole new content as base64, for anything but text."),
    expected_sha256: sha256
      .optional()
      .describe("Write only if the file's content has this SHA-256 now, as read_file reported it."),
  })
  .refine((input) => (input.content === undefined) !== (input.content_base64 === undefined), {
    error: "give exactly one of 'content' and 'content_base64'",
  });
type WriteFileInput = z.output<typeof WriteFileInput>;

const DESCRIPTION =
  "Creates a file or replaces its whole content, creating missing parent directories. " +
  "Readers see the old content or the new one, never a part. An existing file keeps its mode and owner. " +
  "Symbolic links and directories are refused. To change a part of a file use edit_file.";

export function writeFileTool(locks: KeyedMutex): Tool {
  return defineTool({
    name: "write_file",
    description: DESCRIPTION,
    schema: WriteFileInput,
    effect: "once",
    timeoutMs: 5_000,
    sandbox: "workspace_write",
    allowsParallel: false,
    boundary: workspaceBoundary("file_write", "path"),
    execute: (input, context) =>
      withEntry(locks, context, input.path, "create", (entry) => write(input, entry, context)),
    reconcile: (input, context) =>
      withEntry(locks, context, input.path, "refuse", (entry) => readBack(input, entry, context)),
  });
}

async function write(input: WriteFileInput, entry: Entry, context: ToolContext): Promise<ToolOutcome> {
  const bytes = contentOf(input);
  const previous = await replaceable(entry.directory, entry.name, entry.path);
  if (input.expected_sha256 !== undefined) {
    requireDigest(entry.path, input.expected_sha256, await entryDigest(entry, context.signal));
  }
  await replaceFile({ ...entry, bytes, previous, signal: context.signal });
  return success(outputOf(entry.path, bytes), {
    context_updates: [{ type: "file_modified", path: entry.path }],
  });
}

/** What stands in the file now tells what became of a call whose outcome was lost. */
async function readBack(input: WriteFileInput, entry: Entry, context: ToolContext): Promise<Reconciled> {
  if ((await statEntry(entry.directory, entry.staging)) !== undefined) {
    await discard(entry.directory, entry.staging);
    return { kind: "not_applied" };
  }
  const found = await entryDigest(entry, context.signal);
  if (found === undefined) return { kind: "unknown", detail: `'${entry.path}' does not exist now` };
  const bytes = contentOf(input);
  if (found === sha256Hex(bytes)) return { kind: "applied", output: outputOf(entry.path, bytes) };
  if (found === input.expected_sha256) return { kind: "not_applied" };
  return { kind: "unknown", detail: `'${entry.path}' holds other content than the call would have written` };
}

function contentOf(input: WriteFileInput): Buffer {
  return input.content === undefined
    ? Buffer.from(input.content_base64 ?? "", "base64")
    : Buffer.from(input.content, "utf8");
}

function outputOf(path: string, bytes: Buffer): JsonObject {
  return { path, bytes_written: bytes.length, sha256: sha256Hex(bytes) };
}
