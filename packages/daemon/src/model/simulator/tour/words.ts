export function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}

/** A final line break ends a line, it does not begin one. */
export function countLines(text: string): string {
  return count(text.replace(/\n$/, "").split("\n").length, "line");
}

/** At most `length` characters of one line. */
export function clip(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** Text inside a Markdown code span: a backtick would end it. */
export function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}
