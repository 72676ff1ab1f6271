import type { GrepMatch } from "./protocol.ts";

const SHOWN_CHARS = 500;
const CHARS_BEFORE_MATCH = 100;

/** The lines of a text that the pattern matches. Lines end at LF; the CR of a CR LF is not part of them. */
export function* matchingLines(path: string, text: string, pattern: RegExp): Generator<GrepMatch> {
  let line = 0;
  for (let start = text.startsWith("\u{feff}") ? 1 : 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end);
    line += 1;
    const match = pattern.exec(content);
    if (match !== null) yield { path, line, ...shown(content, match.index) };
    start = end + 1;
  }
}

/** A long line is shown around its match. */
function shown(line: string, matchAt: number): Pick<GrepMatch, "text" | "text_truncated"> {
  if (line.length <= SHOWN_CHARS) return { text: line };
  const start = Math.max(0, Math.min(matchAt - CHARS_BEFORE_MATCH, line.length - SHOWN_CHARS));
  return { text: wholeCharacters(line.slice(start, start + SHOWN_CHARS)), text_truncated: true };
}

function wholeCharacters(text: string): string {
  return text.replace(/^[\udc00-\udfff]/, "").replace(/[\ud800-\udbff]$/, "");
}
