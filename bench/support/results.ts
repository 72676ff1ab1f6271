import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { Line } from "./bench.ts";
import { HEADINGS, rowOf } from "./table.ts";

const RESULTS = fileURLToPath(new URL("../results.json", import.meta.url));
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const BEGIN = "<!-- newest table: written by `npm run bench -- all` -->";
const END = "<!-- end of the newest table -->";

/** Keeps the newest lines beside the benchmarks, and the table that the README shows of them. */
export function keepResults(lines: readonly Line[]): void {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memory_gb: Math.round(totalmem() / 1e9) };
  const made = { date: new Date().toISOString().slice(0, 10), machine, lines };
  writeFileSync(RESULTS, `${JSON.stringify(made, null, 2)}\n`);
  const readme = readFileSync(README, "utf8");
  const before = readme.slice(0, readme.indexOf(BEGIN) + BEGIN.length);
  const after = readme.slice(readme.indexOf(END));
  const { cpu, cores, memory_gb } = machine;
  const where = `${made.date}, ${cores} cores (${cpu}), ${memory_gb} GB`;
  writeFileSync(README, `${before}\n${where}\n\n${markdown(lines)}\n${after}`);
}

function markdown(lines: readonly Line[]): string {
  const rows = [HEADINGS, HEADINGS.map(() => "---"), ...lines.map(rowOf)];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
