import type { Style } from "./output.ts";
import { displayWidth, oneLine, truncate } from "./text.ts";

/** A name and its value; an undefined value leaves the line out. */
export type Field = readonly [name: string, value: string | number | boolean | undefined];

/** Names and values below each other, one line each, no wider than the screen. */
export function fields(list: readonly Field[], { colors, columns }: Style): string {
  const present = list.filter(([, value]) => value !== undefined && value !== "");
  const nameWidth = Math.max(0, ...present.map(([name]) => displayWidth(name)));
  return present
    .map(([name, value]) => {
      const text = truncate(oneLine(String(value)), Math.max(1, columns - nameWidth - 2));
      return `${colors.dim(name.padEnd(nameWidth))}  ${text}`;
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
