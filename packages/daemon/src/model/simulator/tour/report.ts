import type { Findings, Match } from "./findings.ts";
import { countFound } from "./listing.ts";
import { clip, code, countLines } from "./words.ts";

const LISTED_FILES = 40;
const LISTED_MATCHES = 10;

/** The content of `kheish-tour.md`: every line of it comes from a tool result of the run. */
export function writeReport(findings: Findings): string {
  const sections = [overview(findings), readmeSection(findings), searchTable(findings)];
  if (findings.answer.format === "detailed") sections.push(fileList(findings), ...searchDetails(findings));
  return `${sections.join("\n\n")}\n`;
}

function overview({ documents, sources }: Findings): string {
  return [
    "# A tour of this workspace",
    "",
    `- ${countFound(documents, "document")}`,
    `- ${countFound(sources, "source file")}${kinds(sources.items)}`,
  ].join("\n");
}

/** `: 3 .ts, 1 .py`, the most frequent first. */
function kinds(paths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const extension = path.slice(path.lastIndexOf("."));
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  if (counts.size === 0) return "";
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return `: ${sorted.map(([extension, n]) => `${n} ${extension}`).join(", ")}`;
}

function readmeSection({ readme, readmePath }: Findings): string {
  if (readme === undefined) return `## README\n\nThere is no readable ${code(readmePath)}.`;
  return `## README\n\n${code(readmePath)} has ${countLines(readme)} and opens with:\n\n> ${opening(readme)}`;
}

/** The first line that says something, without its Markdown heading mark. */
function opening(readme: string): string {
  const lines = readme.split("\n").map((line) => line.replace(/^#+\s*/, "").trim());
  return clip(lines.find((line) => /\p{Letter}/u.test(line)) ?? "(nothing)", 200);
}

function searchTable({ searches }: Findings): string {
  const rows = searches.map(
    ({ title, matches }) =>
      `| ${title} | ${matches.items.length}${matches.truncated ? "+" : ""} | ${filesOf(matches.items)} |`,
  );
  return ["## Searches", "", "| search | lines | files |", "|---|---|---|", ...rows].join("\n");
}

function filesOf(matches: readonly Match[]): number {
  return new Set(matches.map((match) => match.path)).size;
}

function fileList({ documents, sources }: Findings): string {
  const files = [...documents.items, ...sources.items].sort();
  return ["## Files", "", ...bullets(files.map(code), LISTED_FILES)].join("\n");
}

function searchDetails({ searches }: Findings): string[] {
  return searches
    .filter(({ matches }) => matches.items.length > 0)
    .map(({ title, matches }) => {
      const lines = matches.items.map(
        ({ path, line, text }) => `${code(`${path}:${line}`)} ${code(clip(text, 100))}`,
      );
      return [`## ${title}`, "", ...bullets(lines, LISTED_MATCHES)].join("\n");
    });
}

function bullets(items: readonly string[], limit: number): string[] {
  const shown = items.slice(0, limit).map((item) => `- ${item}`);
  return items.length > limit ? [...shown, `- and ${items.length - limit} more`] : shown;
}
