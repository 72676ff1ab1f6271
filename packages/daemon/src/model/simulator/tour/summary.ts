import type { Findings } from "./findings.ts";
import { countFound } from "./listing.ts";
import { REPORT_FILE } from "./plan.ts";
import { countLines } from "./words.ts";

/** The last words of the tour. */
export function summarise(findings: Findings): string {
  const { documents, sources, readme, readmePath, searches, answer } = findings;
  const files = `${countFound(documents, "document")} and ${countFound(sources, "source file")}`;
  return [
    "That was the tour.",
    "",
    `- I found ${files}.`,
    readme === undefined
      ? `- I looked for ${readmePath}, but there is none that I can read.`
      : `- I read ${readmePath} (${countLines(readme)}).`,
    `- I ran ${searches.length} searches in one turn; they found ${countLinesFound(searches)}.`,
    `- I asked you one question. ${answer.sentence}`,
    `- ${outcome(findings)}`,
    "",
    "Each of these steps is in the journal: had the daemon been killed in between, the run would have gone on from the last one.",
  ].join("\n");
}

/** The lines of all searches together. */
export function countLinesFound(searches: Findings["searches"]): string {
  const items = searches.flatMap(({ matches }) => matches.items);
  return countFound({ items, truncated: searches.some(({ matches }) => matches.truncated) }, "line");
}

function outcome({ written, readBack, answer }: Findings): string {
  if (!written) return `I did not write ${REPORT_FILE}: the write was refused or failed.`;
  const size = readBack === undefined ? "" : ` (${countLines(readBack)})`;
  return `I wrote the ${answer.format} report to ${REPORT_FILE}${size}.`;
}
