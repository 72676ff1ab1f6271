import type { Reconciled } from "../../engine/ports.ts";
import { sha256Hex } from "../bytes.ts";
import { type Exchange, putBack, siblingPath, tidy } from "../workspace/exchange.ts";
import { statEntry } from "../workspace/replace.ts";
import { traceEdits } from "./edit-history.ts";
import { type FilePatch, type HeldPatch, outputOf } from "./patch-plan.ts";
import { applyEdits, readText, textDigest } from "./text-file.ts";

/**
 * What became of a patch whose outcome was lost. The temporary siblings tell how far it came: without originals no file
 * was replaced; with them, each file shows whether it was. A patch that came half way is taken back.
 */
export async function readBackPatch(patches: readonly HeldPatch[], signal: AbortSignal): Promise<Reconciled> {
  const entries = patches.map(({ entry }) => entry);
  const left = await leftOvers(patches, signal);
  if (left.originals.length === 0) {
    if (!left.isStaged) return byContent(patches, signal);
    await tidy(entries);
    return { kind: "not_applied" };
  }
  const states = await Promise.all(
    left.originals.map(async (file) => ({ file, state: stateOf(file, await textDigest(file)) })),
  );
  const changed = states.filter(({ state }) => state === "other");
  if (changed.length > 0) return changedSince(states);
  if (!states.some(({ state }) => state === "before")) {
    const output = await outputOfAll(patches, left.originals, signal);
    await tidy(entries);
    return { kind: "applied", output };
  }
  const kept = await putBack(left.originals, textDigest);
  await tidy(entries, kept);
  if (kept.length === 0) return { kind: "not_applied" };
  const which = kept.map(({ path, reason, original }) => `'${path}' (${reason}; as it was: '${original}')`);
  return { kind: "unknown", detail: `these files could not be put back: ${which.join(", ")}` };
}

interface Original extends Exchange {
  replacements: number;
  bytes: number;
}

async function leftOvers(
  patches: readonly HeldPatch[],
  signal: AbortSignal,
): Promise<{ isStaged: boolean; originals: Original[] }> {
  const originals: Original[] = [];
  let isStaged = false;
  for (const { entry, patch } of patches) {
    if ((await statEntry(entry.directory, entry.staging)) !== undefined) isStaged = true;
    if ((await statEntry(entry.directory, entry.original)) === undefined) continue;
    const { content, digest } = await readText({ ...entry, name: entry.original }, signal);
    const { text, replacements } = applyEdits(content, patch.hunks);
    const bytes = Buffer.byteLength(text);
    originals.push({ ...entry, before: digest, after: sha256Hex(text), replacements, bytes });
  }
  return { isStaged, originals };
}

type State = "before" | "after" | "other";

function stateOf(file: Exchange, digest: string | undefined): State {
  if (digest === file.after) return "after";
  return digest === file.before ? "before" : "other";
}

function changedSince(states: readonly { file: Exchange; state: State }[]): Reconciled {
  const said = { before: "is as it was", after: "is patched", other: "was changed by somebody else since" };
  const each = states.map(({ file: { path, original }, state }) =>
    state === "before"
      ? `'${path}' ${said[state]}`
      : `'${path}' ${said[state]} (as it was: '${siblingPath(path, original)}')`,
  );
  return { kind: "unknown", detail: `the patch was interrupted: ${each.join(", ")}` };
}

/** As the call would have answered; of a file whose original is gone, as far as the file itself tells. */
async function outputOfAll(
  patches: readonly HeldPatch[],
  originals: readonly Original[],
  signal: AbortSignal,
) {
  const changed = [];
  for (const { entry, patch } of patches) {
    const known = originals.find(({ path }) => path === entry.path);
    if (known !== undefined) {
      changed.push(outputOf(patch, known.replacements, known.bytes, known.after));
      continue;
    }
    const { content, digest } = await readText(entry, signal);
    changed.push(outputOf(patch, countOf(patch), Buffer.byteLength(content), digest));
  }
  return { changed_files: changed, file_count: changed.length };
}

/**
 * Nothing temporary is left: it never began, or it was done. Of one file that shows which, the others follow: a patch
 * is made in all files or in none.
 */
async function byContent(patches: readonly HeldPatch[], signal: AbortSignal): Promise<Reconciled> {
  const found = [];
  for (const { entry, patch } of patches) {
    const { content, digest } = await readText(entry, signal);
    const expected = patch.expected_sha256;
    const isExpected = (text: string) => expected !== undefined && sha256Hex(text) === expected;
    const trace = traceEdits(content, patch.hunks, isExpected);
    const isUntouched = digest === expected || (trace.kind === "not_made" && expected === undefined);
    const before = trace.kind === "made" && !isUntouched ? trace.before : undefined;
    found.push({ patch, content, digest, isUntouched, before });
  }
  const isUntouched = found.some((one) => one.isUntouched);
  const isMade = found.some(({ before }) => before !== undefined);
  if (isUntouched && !isMade) return { kind: "not_applied" };
  if (isUntouched) return { kind: "unknown", detail: "some of the files are patched and some are not" };
  if (!isMade) {
    return { kind: "unknown", detail: "the text of the files does not show whether the patch was made" };
  }
  const changed = found.map(({ patch, content, digest, before }) => {
    const replacements = before === undefined ? countOf(patch) : applyEdits(before, patch.hunks).replacements;
    return outputOf(patch, replacements, Buffer.byteLength(content), digest);
  });
  return { kind: "applied", output: { changed_files: changed, file_count: changed.length } };
}

/** How much a patch replaced, as far as its hunks tell. */
function countOf({ hunks }: FilePatch): number | undefined {
  return hunks.every((hunk) => !hunk.replace_all) ? hunks.length : undefined;
}
