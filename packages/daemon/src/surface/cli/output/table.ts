import { fields } from "./fields.ts";
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
/** What a column needs to tell something: `queued`, `3m ago`. */
const READABLE = 6;
/** A screen that has room for a name beside a value. */
const ROOM_FOR_FIELDS = 40;

/**
 * A table without lines that never takes more than the screen's width. Where that is too little, columns in which
 * nothing stands give way first; where the others could no longer be read, each row becomes a block of fields.
 */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], style: Style): string {
  const all = cellsOf(rows, columns);
  const natural = naturalWidths(columns, all, style.columns);
  const shown = total(natural) > style.columns ? columns.filter(saysSomething(all)) : columns;
  const cells = shown === columns ? all : cellsOf(rows, shown);
  const wanted = shown === columns ? natural : naturalWidths(shown, cells, style.columns);
  const widths = fitted(wanted, shown, style.columns);
  const isReadable = wanted.every((width, index) => (widths[index] ?? 0) >= Math.min(width, READABLE));
  if (!isReadable && style.columns >= ROOM_FOR_FIELDS) return blocks(cells, shown, style);
  return lines(rows, cells, shown.slice(0, widths.length), widths, style);
}

function cellsOf<T>(rows: readonly T[], columns: readonly Column<T>[]): string[][] {
  return rows.map((row) => columns.map((column) => oneLine(String(column.value(row) ?? ""))));
}

function saysSomething(cells: readonly string[][]): (column: unknown, index: number) => boolean {
  return (_column, index) => cells.some((row) => row[index] !== "");
}

function lines<T>(
  rows: readonly T[],
  cells: readonly string[][],
  columns: readonly Column<T>[],
  widths: readonly number[],
  style: Style,
): string {
  const head = columns.map(({ title }, index) => {
    const text = truncate(title, widths[index] ?? 0);
    return { text, painted: style.colors.dim(text) };
  });
  const body = rows.map((row, rowIndex) =>
    columns.map((column, index) => {
      const text = truncate(cells[rowIndex]?.[index] ?? "", widths[index] ?? 0);
      return { text, painted: column.paint?.(text, row, style.colors) ?? text };
    }),
  );
  return [head, ...body].map((line) => laidOut(line, widths)).join("\n");
}

/** Rows below each other, as names and values; what a row does not say is left out. */
function blocks<T>(cells: readonly string[][], columns: readonly Column<T>[], style: Style): string {
  return cells
    .map((row) =>
      fields(
        columns.map(({ title }, index) => [title, row[index]]),
        style,
      ),
    )
    .join("\n\n");
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

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + GAP, -GAP);
}

/** Takes from the widest column until the table fits; columns for which no room is left are dropped. */
function fitted<T>(natural: readonly number[], columns: readonly Column<T>[], room: number): number[] {
  const widths = [...natural];
  while (total(widths) > room) {
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
