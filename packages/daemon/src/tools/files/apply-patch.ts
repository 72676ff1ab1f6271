import { setImmediate } from "node:timers/promises";
import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { patchBoundary } from "../boundary.ts";
import { sha256Hex } from "../bytes.ts";
import { defineTool } from "../define.ts";
import { about, ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";
import { type Exchange, exchangeAll, tidy } from "../workspace/exchange.ts";
import { replaceable, stage } from "../workspace/replace.ts";
import { requireDigest } from "./digest.ts";
import { withEntries } from "./entry.ts";
import { EditInput } from "./fields.ts";
import { filePatches, type HeldPatch, inHunk, outputOf } from "./patch-plan.ts";
import { readBackPatch } from "./patch-read-back.ts";
import { edited, readText, textDigest } from "./text-file.ts";

/** Each file is searched once for each of its hunks. */
const MAX_HUNKS = 1_000;
/** Each file is held open while the patch is made. */
const MAX_FILES = 200;

const ApplyPatchInput = z.strictObject({
  hunks: z
    .array(EditInput)
    .min(1)
    .max(MAX_HUNKS)
    .describe("The edits, made in this order; later hunks of a file see what earlier ones made of it."),
});
type ApplyPatchInput = z.output<typeof ApplyPatchInput>;

const DESCRIPTION =
  "Replaces literal text in several UTF-8 files of at most 4 MiB, in all of them or in none. Each hunk works like " +
  "edit_file: old_text must occur exactly once in what earlier hunks made of the file, unless replace_all is set. " +
  "Files are neither created, deleted nor renamed. Line ends, a byte order mark, mode and owner stay as they are.";

export function applyPatchTool(locks: KeyedMutex): Tool {
  return defineTool({
    name: "apply_patch",
    description: DESCRIPTION,
    schema: ApplyPatchInput,
    effect: "once",
    timeoutMs: 10_000,
    sandbox: "workspace_write",
    allowsParallel: false,
    boundary: patchBoundary,
    execute: (input, context) =>
      withPatches(locks, input, context, (patches) => apply(patches, context.signal)),
    reconcile: (input, context) =>
      withPatches(locks, input, context, (patches) => readBackPatch(patches, context.signal)),
  });
}

async function withPatches<T>(
  locks: KeyedMutex,
  { hunks }: ApplyPatchInput,
  context: ToolContext,
  work: (patches: HeldPatch[]) => Promise<T>,
): Promise<T> {
  const patches = filePatches(context.workspace_root, hunks);
  if (patches.length > MAX_FILES) {
    throw new ToolFailure(`the patch is about ${patches.length} files; one patch takes ${MAX_FILES}`);
  }
  const paths = patches.map(({ path }) => path);
  return withEntries(locks, context, paths, (entries) =>
    work(
      patches.flatMap((patch) => {
        const entry = entries.get(patch.path);
        return entry === undefined ? [] : [{ patch, entry }];
      }),
    ),
  );
}

/** One file, with its new content staged beside it. */
interface Prepared extends Exchange {
  output: JsonObject;
}

async function apply(patches: readonly HeldPatch[], signal: AbortSignal): Promise<ToolOutcome> {
  const prepared: Prepared[] = [];
  try {
    for (const held of patches) {
      prepared.push(await about(held.entry.path, () => prepare(held, signal)));
    }
  } catch (error) {
    await tidy(patches.map(({ entry }) => entry));
    throw error;
  }
  await exchangeAll(prepared, textDigest, signal);
  return success(
    { changed_files: prepared.map(({ output }) => output), file_count: prepared.length },
    { context_updates: prepared.map(({ path }) => ({ type: "file_modified", path })) },
  );
}

/** All that can be refused is refused here, before any file is touched. */
async function prepare({ patch, entry }: HeldPatch, signal: AbortSignal): Promise<Prepared> {
  const [first] = patch.hunks;
  const inFirst = <T>(act: () => T) => inHunk(first?.index ?? 0, entry.path, act);
  const previous = await replaceable(entry.directory, entry.name, entry.path);
  if (previous === undefined) {
    return inFirst(() => {
      throw new ToolFailure(`'${entry.path}' does not exist; to create a file use write_file`);
    });
  }
  const { content, digest } = await readText(entry, signal);
  const expected = patch.expected_sha256;
  if (expected !== undefined) inFirst(() => requireDigest(entry.path, expected, digest));
  let text = content;
  let replacements = 0;
  for (const hunk of patch.hunks) {
    const made = inHunk(hunk.index, entry.path, () => edited(text, hunk, entry.path));
    text = made.text;
    replacements += made.replacements;
    // Many hunks of a large file take long, and others want to go on.
    await setImmediate();
    signal.throwIfAborted();
  }
  const bytes = Buffer.from(text, "utf8");
  await stage({ ...entry, bytes, previous });
  const after = sha256Hex(bytes);
  return { ...entry, before: digest, after, output: outputOf(patch, replacements, bytes.length, after) };
}
