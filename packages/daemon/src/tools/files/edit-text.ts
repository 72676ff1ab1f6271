/** Finding and replacing literal text: the pure half of edit_file. */
export interface Edit {
  old_text: string;
  new_text: string;
  replace_all: boolean;
}

/**
 * Where `needle` occurs, overlapping occurrences included, up to `limit` of them. Knuth-Morris-Pratt:
 * `indexOf` takes hours for texts of a few MiB that are made for it, and the daemon would stand still meanwhile.
 */
export function occurrences(content: string, needle: string, limit = Number.POSITIVE_INFINITY): number[] {
  const found: number[] = [];
  if (needle.length === 0 || needle.length > content.length) return found;
  const borders = bordersOf(needle);
  let matched = 0;
  for (let at = 0; at < content.length && found.length < limit; at += 1) {
    matched = extend(needle, borders, matched, content.charCodeAt(at));
    if (matched < needle.length) continue;
    found.push(at + 1 - needle.length);
    matched = borders[matched] ?? 0;
  }
  return found;
}

/** For every length of a prefix of `needle`, the longest shorter prefix that it also ends with. */
function bordersOf(needle: string): Int32Array {
  const borders = new Int32Array(needle.length + 1);
  let border = 0;
  for (let length = 2; length <= needle.length; length += 1) {
    border = extend(needle, borders, border, needle.charCodeAt(length - 1));
    borders[length] = border;
  }
  return borders;
}

/** How much of `needle` is matched after one more code unit. */
function extend(needle: string, borders: Int32Array, matched: number, unit: number): number {
  let length = matched;
  while (length > 0 && needle.charCodeAt(length) !== unit) length = borders[length] ?? 0;
  return needle.charCodeAt(length) === unit ? length + 1 : 0;
}

/** The places an edit replaces: the first that was found, or all that do not overlap one before. */
export function replacedPlaces(found: readonly number[], edit: Edit): number[] {
  if (!edit.replace_all) return found.slice(0, 1);
  const places: number[] = [];
  let end = 0;
  for (const at of found) {
    if (at < end) continue;
    places.push(at);
    end = at + edit.old_text.length;
  }
  return places;
}

export function replaceAt(content: string, places: readonly number[], edit: Edit): string {
  const parts: string[] = [];
  let copied = 0;
  for (const at of places) {
    parts.push(content.slice(copied, at), edit.new_text);
    copied = at + edit.old_text.length;
  }
  return parts.join("") + content.slice(copied);
}

/** The edit from finding to replacing, and how many places it changed. */
export function applyEdit(content: string, edit: Edit): { text: string; replacements: number } {
  const places = replacedPlaces(occurrences(content, edit.old_text), edit);
  return { text: replaceAt(content, places, edit), replacements: places.length };
}

/** 1-based numbers of the lines that the given offsets lie in; offsets ascend. */
export function lineNumbers(content: string, offsets: readonly number[]): number[] {
  let line = 1;
  let scanned = 0;
  return offsets.map((offset) => {
    line += content.slice(scanned, offset).split("\n").length - 1;
    scanned = offset;
    return line;
  });
}
