import { isText, sha256Hex } from "../bytes.ts";
import { ToolFailure } from "../failure.ts";
import { openEntry, statEntry } from "../workspace/replace.ts";
import { eachChunk, entryDigest } from "./digest.ts";
import { applyEdit, type Edit, lineNumbers, occurrences, replaceAt, replacedPlaces } from "./edit-text.ts";
import type { Entry } from "./entry.ts";

/** Edits take files up to this size, before and after (03-R13). */
const MAX_BYTES = 4 * 1024 * 1024;
const SHOWN_LINES = 20;

type Named = Pick<Entry, "path" | "directory" | "name">;

/** The text of a file that can be edited, and the SHA-256 of its bytes. */
export async function readText(
  entry: Named,
  signal: AbortSignal,
): Promise<{ content: string; digest: string }> {
  const handle = await openEntry(entry.directory, entry.name, entry.path);
  try {
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw tooLarge(entry.path, `has ${size} bytes`);
    const chunks: Buffer[] = [];
    // One byte more than fits shows a file that has grown since; what follows it is not waited for.
    const bytes = await eachChunk(handle, signal, (chunk) => chunks.push(Buffer.from(chunk)), MAX_BYTES + 1);
    if (bytes > MAX_BYTES) throw tooLarge(entry.path, "grew while it was read");
    const whole = Buffer.concat(chunks);
    if (!isText(whole)) throw new ToolFailure(`'${entry.path}' is not UTF-8 text`);
    return { content: whole.toString("utf8"), digest: sha256Hex(whole) };
  } finally {
    await handle.close();
  }
}

/** SHA-256 of what stands under a name, to be compared with that of a text; undefined when nothing does. */
export async function textDigest(entry: Named): Promise<string | undefined> {
  const stats = await statEntry(entry.directory, entry.name);
  if (stats !== undefined && stats.size > MAX_BYTES) return "too large for a text";
  return entryDigest(entry, new AbortController().signal);
}

/** The edit made, as it demands (once, or anywhere) and within the size limit; a failure otherwise. */
export function edited(content: string, edit: Edit, path: string): { text: string; replacements: number } {
  const found = occurrences(content, edit.old_text);
  if (found.length === 0)
    throw new ToolFailure(`old_text does not occur in '${path}'${lineEndHint(content, edit.old_text)}`);
  if (found.length > 1 && !edit.replace_all) throw ambiguous(content, found, path);
  const places = replacedPlaces(found, edit);
  // Before the text is built: many replacements by a long text could fill the memory.
  const growth = Buffer.byteLength(edit.new_text) - Buffer.byteLength(edit.old_text);
  const size = Buffer.byteLength(content) + places.length * growth;
  if (size > MAX_BYTES) throw tooLarge(path, `would have ${size} bytes`);
  return { text: replaceAt(content, places, edit), replacements: places.length };
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
  return new ToolFailure(`'${path}' ${what}; files up to ${MAX_BYTES} bytes can be edited`);
}

/** The edits one after the other, on a text that they are known to apply to. */
export function applyEdits(content: string, edits: readonly Edit[]): { text: string; replacements: number } {
  let text = content;
  let replacements = 0;
  for (const edit of edits) {
    const made = applyEdit(text, edit);
    text = made.text;
    replacements += made.replacements;
  }
  return { text, replacements };
}
