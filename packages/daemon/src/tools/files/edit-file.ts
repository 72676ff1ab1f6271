import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Reconciled, Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { workspaceBoundary } from "../boundary.ts";
import { isText, sha256Hex } from "../bytes.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";
import { discard, openEntry, replaceable, replaceFile, statEntry } from "../workspace/replace.ts";
import { requireDigest } from "./digest.ts";
import { traceEdit } from "./edit-history.ts";
import { applyEdit, lineNumbers, occurrences, replaceAt, replacedPlaces } from "./edit-text.ts";
import { type Entry, withEntry } from "./entry.ts";
import { path, sha256, text } from "./fields.ts";

const MAX_BYTES = 4 * 1024 * 1024;
const SHOWN_LINES = 20;

const EditFileInput = z
  .strictObject({
    path,
    old_text: text
      .min(1, "must not be empty; use write_file to create or fill a file")
      .describe("The exact text to replace, white space and line ends included."),
    new_text: text.describe("The text to put in its place; empty deletes."),
    replace_all: z
      .boolean()
      .default(false)
      .describe("Replace every occurrence. Otherwise old_text must occur exactly once."),
    expected_sha256: sha256
      .optional()
      .describe("Edit only if the file's content has this SHA-256 now, as read_file reported it."),
  })
  .refine((input) => input.old_text !== input.new_text, {
    error: "'old_text' and 'new_text' are the same, so nothing would change",
  });
type EditFileInput = z.output<typeof EditFileInput>;

const DESCRIPTION =
  "Replaces literal text in a UTF-8 file of at most 4 MiB. old_text must occur exactly once unless replace_all is set; " +
  "add surrounding lines to make it unique. Line ends, a byte order mark, mode and owner stay as they are.";

export function editFileTool(locks: KeyedMutex): Tool {
  return defineTool({
    name: "edit_file",
    description: DESCRIPTION,
    schema: EditFileInput,
    effect: "once",
    timeoutMs: 5_000,
    sandbox: "workspace_write",
    allowsParallel: false,
    boundary: workspaceBoundary("file_write", "path"),
    execute: (input, context) =>
      withEntry(locks, context, input.path, "refuse", (entry) => edit(input, entry, context)),
    reconcile: (input, context) =>
      withEntry(locks, context, input.path, "refuse", (entry) => readBack(input, entry)),
  });
}

async function edit(input: EditFileInput, entry: Entry, context: ToolContext): Promise<ToolOutcome> {
  const previous = await replaceable(entry.directory, entry.name, entry.path);
  if (previous === undefined) throw new ToolFailure(`'${entry.path}' does not exist`);
  const { content, digest } = await readText(entry);
  if (input.expected_sha256 !== undefined) requireDigest(entry.path, input.expected_sha256, digest);
  const places = placesToReplace(content, input, entry.path);
  const bytes = Buffer.from(replaceAt(content, places, input), "utf8");
  await replaceFile({ ...entry, bytes, previous, signal: context.signal });
  return success(outputOf(entry.path, places.length, sha256Hex(bytes)), {
    context_updates: [{ type: "file_modified", path: entry.path }],
  });
}

/** Where the edit applies, as it demands (once, or anywhere) and within the size limit; a failure otherwise. */
function placesToReplace(content: string, input: EditFileInput, path: string): number[] {
  const found = occurrences(content, input.old_text);
  if (found.length === 0)
    throw new ToolFailure(`old_text does not occur in '${path}'${lineEndHint(content, input.old_text)}`);
  if (found.length > 1 && !input.replace_all) throw ambiguous(content, found, path);
  const places = replacedPlaces(found, input);
  // Before the text is built: many replacements by a long text could fill the memory.
  const growth = Buffer.byteLength(input.new_text) - Buffer.byteLength(input.old_text);
  const size = Buffer.byteLength(content) + places.length * growth;
  if (size > MAX_BYTES) throw tooLarge(path, `would have ${size} bytes`);
  return places;
}

/** What the text says now tells, where it can, what became of a call whose outcome was lost. */
async function readBack(input: EditFileInput, entry: Entry): Promise<Reconciled> {
  if ((await statEntry(entry.directory, entry.staging)) !== undefined) {
    await discard(entry.directory, entry.staging);
    return { kind: "not_applied" };
  }
  const { content, digest } = await readText(entry);
  const expected = input.expected_sha256;
  if (digest === expected) return { kind: "not_applied" };
  const trace = traceEdit(
    content,
    input,
    (earlier) => expected !== undefined && sha256Hex(earlier) === expected,
  );
  if (trace.kind === "made") {
    const { replacements } = applyEdit(trace.before, input);
    return { kind: "applied", output: outputOf(entry.path, replacements, digest) };
  }
  if (trace.kind === "not_made" && expected === undefined) return { kind: "not_applied" };
  return { kind: "unknown", detail: `the text of '${entry.path}' does not show whether the edit was made` };
}

async function readText(entry: Entry): Promise<{ content: string; digest: string }> {
  const handle = await openEntry(entry.directory, entry.name, entry.path);
  try {
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw tooLarge(entry.path, `has ${size} bytes`);
    const bytes = await handle.readFile();
    if (!isText(bytes)) throw new ToolFailure(`'${entry.path}' is not UTF-8 text`);
    return { content: bytes.toString("utf8"), digest: sha256Hex(bytes) };
  } finally {
    await handle.close();
  }
}

function ambiguous(content: string, found: readonly number[], path: string): ToolFailure {
  const lines = lineNumbers(content, found.slice(0, SHOWN_LINES));
  const more = found.length > SHOWN_LINES ? ", ..." : "";
  return new ToolFailure(
    `old_text occurs ${found.length} times in '${path}' (lines ${lines.join(", ")}${more}); ` +
      "add surrounding text to make it unique, or set replace_all",
    { match_count: found.length, match_lines: lines },
  );
}

/** The commonest reason why text that looks the same is not found. */
function lineEndHint(content: string, oldText: string): string {
  const withCrLf = oldText.replace(/\r?\n/g, "\r\n");
  return withCrLf !== oldText && occurrences(content, withCrLf, 1).length > 0
    ? "; the file's lines end in CR LF (\\r\\n), the ones of old_text do not"
    : "";
}

function tooLarge(path: string, what: string): ToolFailure {
  return new ToolFailure(`'${path}' ${what}; edit_file takes files up to ${MAX_BYTES} bytes`);
}

function outputOf(path: string, replacements: number, digest: string): JsonObject {
  return { path, replacements, sha256: digest };
}
