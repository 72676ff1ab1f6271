import type { Colors, Style } from "./output.ts";
import { displayWidth, oneLine, truncate } from "./text.ts";

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | number | undefined;
  /** Colours a cell after it was cut to its width. */
  readonly paint?: (text: string, row: T, colors: Colors) => string;
  /** Ids and the like: cut last, for they are there to be copied. */
  readonly keep?: boolean;
}

const GAP = 2;
const NARROWEST = 4;

/** A table without lines that never takes more than the screen's width. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], style: Style): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(String(column.value(row) ?? ""))));
  const widths = fitted(naturalWidths(columns, cells, style.columns), columns, style.columns);
  const shown = columns.slice(0, widths.length);
  const head = shown.map(({ title }, index) => {
    const text = truncate(title, widths[index] ?? 0);
    return { text, painted: style.colors.dim(text) };
  });
  const body = rows.map((row, rowIndex) =>
    shown.map((column, index) => {
      const text = truncate(cells[rowIndex]?.[index] ?? "", widths[index] ?? 0);
      return { text, painted: column.paint?.(text, row, style.colors) ?? text };
    }),
  );
  return [head, ...body].map((line) => laidOut(line, widths)).join("\n");
}

interface Cell {
  text: string;
  /** The same with colours, which take no room. */
  painted: string;
}

/** Padded by what a terminal shows, so that wide characters do not push their neighbours out of line. */
function laidOut(line: readonly Cell[], widths: readonly number[]): string {
  const padded = line.map(({ text, painted }, index) => {
    const missing = (widths[index] ?? 0) - displayWidth(text);
    return index === line.length - 1 ? painted : painted + " ".repeat(Math.max(0, missing) + GAP);
  });
  return padded.join("").trimEnd();
}

function naturalWidths<T>(columns: readonly Column<T>[], cells: readonly string[][], room: number): number[] {
  return columns.map((column, index) => {
    const widest = cells.reduce(
      (width, row) => Math.max(width, displayWidth(row[index] ?? "")),
      displayWidth(column.title),
    );
    return Math.min(widest, room);
  });
}

/** Takes from the widest column until the table fits; columns for which no room is left are dropped. */
function fitted<T>(natural: readonly number[], columns: readonly Column<T>[], room: number): number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, width) => sum + width + GAP, -GAP);
  while (total() > room) {
    const index = widestIndex(widths, (at) => !columns[at]?.keep) ?? widestIndex(widths, () => true);
    if (index === undefined) widths.pop();
    else widths[index] = (widths[index] ?? 0) - 1;
  }
  return widths;
}

function widestIndex(widths: readonly number[], eligible: (index: number) => boolean): number | undefined {
  let widest: number | undefined;
  widths.forEach((width, index) => {
    if (width <= NARROWEST || !eligible(index)) return;
    if (widest === undefined || width > (widths[widest] ?? 0)) widest = index;
  });
  return widest;
}
