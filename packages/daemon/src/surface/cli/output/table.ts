import Table from "cli-table3";
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
  const grid = new Table({
    head: shown.map((column, index) => style.colors.dim(truncate(column.title, widths[index] ?? 0))),
    chars: borderless,
    colWidths: widths,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  rows.forEach((row, rowIndex) => {
    grid.push(
      shown.map((column, index) => {
        const text = truncate(cells[rowIndex]?.[index] ?? "", widths[index] ?? 0);
        return column.paint?.(text, row, style.colors) ?? text;
      }),
    );
  });
  return grid.toString().replace(/ +$/gm, "");
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

const borderless = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: " ".repeat(GAP),
};
