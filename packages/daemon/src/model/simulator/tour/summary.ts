import type { Findings } from "./findings.ts";
import { REPORT_FILE } from "./plan.ts";
import { count, countLines } from "./words.ts";

/** The last words of the tour. */
export function summarise(findings: Findings): string {
  const { documents, sources, readme, readmePath, searches, answer } = findings;
  const matches = searches.reduce((sum, search) => sum + search.matches.length, 0);
  const files = `${count(documents.length, "document")} and ${count(sources.length, "source file")}`;
  return [
    "That was the tour.",
    "",
    `- I found ${files}.`,
    readme === undefined
      ? `- I looked for ${readmePath}, but there is none that I can read.`
      : `- I read ${readmePath} (${countLines(readme)}).`,
    `- I ran ${searches.length} searches in one turn; they found ${count(matches, "line")}.`,
    `- I asked you one question. ${answer.sentence}`,
    `- ${outcome(findings)}`,
    "",
    "Each of these steps is in the journal: had the daemon been killed in between, the run would have gone on from the last one.",
  ].join("\n");
}

function outcome({ written, readBack, answer }: Findings): string {
  if (!written) return `I did not write ${REPORT_FILE}: the write was refused or failed.`;
  const size = readBack === undefined ? "" : ` (${countLines(readBack)})`;
  return `I wrote the ${answer.format} report to ${REPORT_FILE}${size}.`;
}
