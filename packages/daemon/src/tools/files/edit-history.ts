import { applyEdit, type Edit, occurrences, replaceAt } from "./edit-text.ts";

/** Beyond so many places where the edit may have been made, telling them apart is not worth the time. */
const MAX_PLACES = 16;

/** What a file's present text says about an edit that may or may not have been made to it. */
export type EditTrace =
  /** The edit turned this earlier text into the present one. */
  | { kind: "made"; before: string }
  /** The present text cannot be the result of the edit, and the edit can still be made. */
  | { kind: "not_made" }
  | { kind: "ambiguous" };

/**
 * Only an earlier text that `wasBefore` recognises (by its digest) proves that the edit was made:
 * without one, the text may have read like this all along.
 */
export function traceEdit(content: string, edit: Edit, wasBefore: (earlier: string) => boolean): EditTrace {
  return traceEdits(content, [edit], wasBefore);
}

/** The same of several edits, made one after the other and never only some of them. */
export function traceEdits(
  content: string,
  edits: readonly Edit[],
  wasBefore: (earlier: string) => boolean,
): EditTrace {
  const earlier = textsBefore(content, edits);
  if (earlier === undefined) return { kind: "ambiguous" };
  const before = earlier.find(wasBefore);
  if (before !== undefined) return { kind: "made", before };
  return earlier.length === 0 && canBeMade(content, edits) ? { kind: "not_made" } : { kind: "ambiguous" };
}

function canBeMade(content: string, edits: readonly Edit[]): boolean {
  let text = content;
  return edits.every((edit) => {
    const count = occurrences(text, edit.old_text, 2).length;
    if (edit.replace_all ? count === 0 : count !== 1) return false;
    text = applyEdit(text, edit).text;
    return true;
  });
}

/** The texts that all the edits would have turned into `content`, last edit first. */
function textsBefore(content: string, edits: readonly Edit[]): string[] | undefined {
  let texts = [content];
  for (const edit of edits.toReversed()) {
    const earlier = new Set<string>();
    for (const text of texts) {
      const found = earlierTexts(text, edit);
      if (found === undefined) return undefined;
      for (const one of found) earlier.add(one);
    }
    if (earlier.size > MAX_PLACES) return undefined;
    texts = [...earlier];
  }
  return texts;
}

/** The texts that the edit would have turned into `content`; undefined when they are too many to tell apart. */
function earlierTexts(content: string, edit: Edit): string[] | undefined {
  // A deletion leaves no text behind to look for: it may have happened anywhere.
  if (edit.new_text === "") return undefined;
  const places = occurrences(content, edit.new_text, MAX_PLACES + 1);
  if (places.length > MAX_PLACES) return undefined;
  if (edit.replace_all) return places.length === 0 ? [] : revertedAll(content, edit);
  return places
    .map((at) => replaceAt(content, [at], inverse(edit)))
    .filter((earlier) => occurrences(earlier, edit.old_text, 2).length === 1);
}

/** Of all texts before a `replace_all`, the one in which every `new_text` of now was an `old_text`. */
function revertedAll(content: string, edit: Edit): string[] | undefined {
  const earlier = applyEdit(content, inverse(edit)).text;
  return applyEdit(earlier, edit).text === content ? [earlier] : undefined;
}

function inverse(edit: Edit): Edit {
  return { ...edit, old_text: edit.new_text, new_text: edit.old_text };
}
