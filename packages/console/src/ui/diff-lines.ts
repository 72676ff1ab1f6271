import { diffArrays } from "diff";

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Unchanged lines that are shown around a change. */
const CONTEXT = 3;

/** What becomes of a text, line by line; a stretch that stays as it is is left out but for its edges. */
export function diffLines(before: string, after: string): (DiffLine | { skipped: number })[] {
  const lines = diffArrays(linesOf(before), linesOf(after)).flatMap(({ value, added, removed }) =>
    value.map((text): DiffLine => ({ kind: added ? "added" : removed ? "removed" : "same", text })),
  );
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ kind }) => kind !== "same"),
  );
  const shown: (DiffLine | { skipped: number })[] = [];
  lines.forEach((line, at) => {
    const before = shown.at(-1);
    if (isNear[at]) shown.push(line);
    else if (before !== undefined && "skipped" in before) before.skipped += 1;
    else shown.push({ skipped: 1 });
  });
  return shown;
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  // A line end at the end ends the last line; it does not begin another.
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
