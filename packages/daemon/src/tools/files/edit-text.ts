/** Finding and replacing literal text: the pure half of edit_file. */
export interface Edit {
  old_text: string;
  new_text: string;
  replace_all: boolean;
}

/** Where `needle` occurs, overlapping occurrences included; stops after `limit`. */
export function occurrences(content: string, needle: string, limit = Number.POSITIVE_INFINITY): number[] {
  const found: number[] = [];
  for (
    let at = content.indexOf(needle);
    at >= 0 && found.length < limit;
    at = content.indexOf(needle, at + 1)
  )
    found.push(at);
  return found;
}

/** How many replacements the edit makes in `content`: what is replaced does not overlap. */
export function replacementCount(content: string, edit: Edit): number {
  return edit.replace_all ? content.split(edit.old_text).length - 1 : 1;
}

/** The content after the edit. The caller has checked that `old_text` occurs as the edit demands. */
export function applyEdit(content: string, edit: Edit): string {
  if (edit.replace_all) return content.split(edit.old_text).join(edit.new_text);
  return splice(content, content.indexOf(edit.old_text), edit.old_text, edit.new_text);
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

export function splice(content: string, at: number, removed: string, inserted: string): string {
  return content.slice(0, at) + inserted + content.slice(at + removed.length);
}
