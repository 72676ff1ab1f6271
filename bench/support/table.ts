import type { Line } from "./bench.ts";

/** What says how a figure came about; the JSON lines have it. */
const ASIDE = new Set([
  "bench",
  "side",
  "aims",
  "ratio",
  "versions",
  "postgres",
  "rounds",
  "runs_per_round",
  "node",
]);

/** A row of the table for people: bench, side, figures, ratio to the others, aims. */
export function rowOf(line: Line): string[] {
  return [String(line.bench), line.side, figuresOf(line), ratioOf(line), aimsOf(line)];
}

export const HEADINGS = ["bench", "side", "figures", "ratio", "aims"];

function figuresOf(line: Line): string {
  return Object.entries(line)
    .filter(([name, value]) => !ASIDE.has(name) && typeof value !== "object")
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function ratioOf({ ratio }: Line): string {
  if (typeof ratio !== "object" || ratio === null) return "";
  return Object.entries(ratio)
    .map(([peer, value]) => `${peer} ${value}`)
    .join(", ");
}

function aimsOf({ aims = [] }: Line): string {
  return aims
    .map(({ aim, measured, reached }) => `${reached ? "reached" : "MISSED"}: ${aim} (${measured})`)
    .join("; ");
}

export function printTable(lines: readonly Line[]): void {
  for (const row of lines.map(rowOf)) {
    const [bench = "", side = "", ...cells] = row;
    console.log(
      `${bench.padEnd(14)} ${side.padEnd(24)} ${cells.filter((cell) => cell !== "").join("\n".padEnd(41))}`,
    );
  }
}
