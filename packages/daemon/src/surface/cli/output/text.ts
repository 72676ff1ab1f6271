import { stripVTControlCharacters } from "node:util";

/** Text of models, tools and users as a terminal may show it: nothing in it may steer the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, "\n")
    .replaceAll("\t", "  ")
    .replace(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, "");
}

const COLORS = "(?:[0-4]|2[2-4]|3[0-79]|49|9[0-7])";
const STEERS = new RegExp(`\\x1b\\[${COLORS}m|[^\\P{Cc}\\n\\t]|\\p{Bidi_Control}`, "gu");

/** Whatever goes to a terminal, painted or not: of all that steers one only our own colours are left. */
export function steady(painted: string): string {
  return painted.replace(STEERS, (found) => (found.length > 1 ? found : ""));
}

/** Printable text on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ").trim();
}

let graphemes: Intl.Segmenter | undefined;

/** Its making reads tables that most commands never need. */
function graphemesOf(text: string): Intl.Segments {
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return graphemes.segment(text);
}

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;
const invisible = /^\p{Mark}|^\p{Default_Ignorable_Code_Point}$/u;

/** Columns that printable text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(segment: string): number {
  if (wide.test(segment)) return 2;
  return invisible.test(segment) ? 0 : 1;
}

/** The rows that printable text takes on a screen of `width` columns. */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  const rows: string[] = [];
  let row = "";
  let used = 0;
  for (const { segment } of graphemesOf(line)) {
    const segmentWidth = graphemeWidth(segment);
    if (used + segmentWidth > width) {
      rows.push(row);
      row = "";
      used = 0;
    }
    row += segment;
    used += segmentWidth;
  }
  return [...rows, row];
}

/** The same for text on one line, between words where that can be; what does not fit in `most` rows is cut. */
export function wrapWords(text: string, width: number, most: number): string[] {
  const rows: string[] = [];
  let rest = text;
  while (displayWidth(rest) > width && rows.length < most - 1) {
    const [row = ""] = wrapLine(rest, width);
    if (row === "") break;
    const space = rest[row.length] === " " ? row.length : row.lastIndexOf(" ");
    rows.push(rest.slice(0, space > 0 ? space : row.length));
    rest = rest.slice(space > 0 ? space + 1 : row.length);
  }
  return [...rows, truncate(rest, width)];
}

/** At most `width` columns; what is left out shows as an ellipsis. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemesOf(text)) {
    used += graphemeWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** `1 approval`, `2 approvals`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
