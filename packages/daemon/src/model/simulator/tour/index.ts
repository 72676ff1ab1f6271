import { z } from "zod";
import type { Scenario } from "../scenario.ts";
import { say, type Turn } from "../turn.ts";
import { type Findings, readFindings } from "./findings.ts";
import { countFound } from "./listing.ts";
import { DOCUMENTS, READMES, REPORT_FILE, REPORT_QUESTION, SEARCHES, SOURCES } from "./plan.ts";
import { writeReport } from "./report.ts";
import { countLinesFound, summarise } from "./summary.ts";

/** `{"simulate":"tour"}`: the demo. `delay_ms` is the time before each turn; 0 plays it at once. */
export const TourScript = z.strictObject({
  simulate: z.literal("tour"),
  delay_ms: z.number().nonnegative().default(400),
});
type TourScript = z.output<typeof TourScript>;

const CHARACTERS_PER_CHUNK = 24;
const CHUNKS_PER_DELAY = 10;

/**
 * Looks around the workspace with read tools, asks one question, writes `kheish-tour.md` and ends with a summary.
 * Every turn follows from the tool results alone, so the tour goes on where a killed daemon left it.
 */
export function tourScenario(script: TourScript): Scenario {
  return ({ conversation }) => {
    const scene = SCENES[conversation.turn];
    return scene === undefined
      ? undefined
      : paced(scene(readFindings(conversation.results)), script.delay_ms);
  };
}

function paced(turn: Turn, delayMs: number): Turn {
  return {
    ...turn,
    delay_ms: delayMs,
    chunks: Math.max(1, Math.ceil(turn.text.length / CHARACTERS_PER_CHUNK)),
    chunk_delay_ms: delayMs / CHUNKS_PER_DELAY,
  };
}

const SCENES: ((findings: Findings) => Turn)[] = [
  lookAround,
  readReadme,
  search,
  askForFormat,
  write,
  readBack,
  finish,
];

function lookAround(): Turn {
  return {
    ...say("I will look around this workspace: first what documents and sources it holds."),
    reasoning: "Nothing is known yet. File names are the cheapest overview.",
    tool_calls: [
      { name: "glob_search", input: { pattern: DOCUMENTS, limit: 200 } },
      { name: "glob_search", input: { pattern: SOURCES, limit: 200 } },
      { name: "glob_search", input: { pattern: READMES, limit: 10 } },
    ],
  };
}

function readReadme({ documents, sources, readmePath }: Findings): Turn {
  return {
    ...say(
      `I see ${countFound(documents, "document")} and ${countFound(sources, "source file")}. ` +
        `${readmePath} should say what this is about.`,
    ),
    tool_calls: [{ name: "read_file", input: { path: readmePath } }],
  };
}

function search({ readme, readmePath }: Findings): Turn {
  const known = readme === undefined ? `There is no readable ${readmePath}.` : `I have read ${readmePath}.`;
  return {
    ...say(`${known} Now ${SEARCHES.length} searches at once, to see what the files hold.`),
    tool_calls: SEARCHES.map(({ pattern }) => ({ name: "grep_search", input: { pattern, limit: 100 } })),
  };
}

function askForFormat({ searches }: Findings): Turn {
  return {
    ...say(`The searches found ${countLinesFound(searches)}. Before I write them up, one question for you.`),
    tool_calls: [{ name: "ask_user_question", input: { questions: [REPORT_QUESTION] } }],
  };
}

function write(findings: Findings): Turn {
  return {
    ...say(
      `${findings.answer.sentence} I will write the ${findings.answer.format} report to ${REPORT_FILE}.`,
    ),
    tool_calls: [{ name: "write_file", input: { path: REPORT_FILE, content: writeReport(findings) } }],
  };
}

/** A refused write leaves nothing to read back: the tour ends here. */
function readBack(findings: Findings): Turn {
  if (!findings.written) return finish(findings);
  return {
    ...say("The report is written. I will check what is on disk."),
    tool_calls: [{ name: "read_file", input: { path: REPORT_FILE } }],
  };
}

function finish(findings: Findings): Turn {
  return say(summarise(findings));
}
