import type { Style } from "./output.ts";
import { displayWidth, oneLine, wrapWords } from "./text.ts";

/** A name and its value; an undefined value leaves the line out. */
export type Field = readonly [name: string, value: string | number | boolean | undefined];

/** A long value goes on below itself, for as many lines as this. */
const MAX_LINES = 4;

/** Names and values below each other, no wider than the screen. */
export function fields(list: readonly Field[], { colors, columns }: Style): string {
  const present = list.filter(([, value]) => value !== undefined && value !== "");
  const nameWidth = Math.max(0, ...present.map(([name]) => displayWidth(name)));
  const room = Math.max(1, columns - nameWidth - 2);
  return present
    .flatMap(([name, value]) => {
      const [first = "", ...more] = wrapWords(oneLine(String(value)), room, MAX_LINES);
      const below = more.map((line) => " ".repeat(nameWidth + 2) + line);
      return [`${colors.dim(name.padEnd(nameWidth))}  ${first}`, ...below];
    })
    .join("\n");
}

/** Any object, for answers that deserve no layout of their own. */
export function plainFields(value: object, style: Style): string {
  return fields(
    Object.entries(value).map(([name, part]) => [
      name.replaceAll("_", " "),
      typeof part === "object" ? JSON.stringify(part) : (part as string | number | boolean),
    ]),
    style,
  );
}
