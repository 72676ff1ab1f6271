import type { Json } from "@kheish/contract";
import type { ToolResult } from "../../../engine/messages.ts";
import { defaultCallId } from "../turn.ts";
import type { Listing } from "./listing.ts";
import { REPORT_FILE, SEARCHES, SHORT_OPTION } from "./plan.ts";
import { clip } from "./words.ts";

export interface Match {
  path: string;
  line: number;
  text: string;
}

export interface Answer {
  format: "short" | "detailed";
  /** The user's answer as a sentence of the tour. */
  sentence: string;
}

/** What the tour learned so far. A tool that failed or was refused leaves its part empty. */
export interface Findings {
  documents: Listing<string>;
  sources: Listing<string>;
  readmePath: string;
  /** Text of the README; undefined when it could not be read. */
  readme: string | undefined;
  searches: { title: string; matches: Listing<Match> }[];
  answer: Answer;
  written: boolean;
  /** The report as read back from disk. */
  readBack: string | undefined;
}

export function readFindings(results: readonly ToolResult[]): Findings {
  const output = (turn: number, call: number): Json | undefined => {
    const id = defaultCallId(turn, call);
    const result = results.find((candidate) => candidate.call_id === id);
    return result === undefined || result.is_error ? undefined : result.output;
  };
  return {
    documents: pathsOf(output(0, 0)),
    sources: pathsOf(output(0, 1)),
    readmePath: chooseReadme(pathsOf(output(0, 2)).items),
    readme: stringOf(member(output(1, 0), "content")),
    searches: SEARCHES.map(({ title }, call) => ({ title, matches: matchesOf(output(2, call)) })),
    answer: answerOf(output(3, 0)),
    written: output(4, 0) !== undefined,
    readBack: stringOf(member(output(5, 0), "content")),
  };
}

/** The one nearest to the root, Markdown before anything else. */
function chooseReadme(paths: readonly string[]): string {
  const rank = (path: string) => path.split("/").length * 2 + (path.toLowerCase().endsWith(".md") ? 0 : 1);
  return paths.toSorted((a, b) => rank(a) - rank(b))[0] ?? "README.md";
}

function answerOf(output: Json | undefined): Answer {
  if (output === undefined || member(output, "declined") !== false) {
    return { format: "short", sentence: "You did not say, so I keep it short." };
  }
  const answer = elements(member(output, "answers"))[0];
  const options = elements(member(answer, "selected_options"));
  const labels = options.flatMap((option) => stringOf(member(option, "label")) ?? []);
  const words = labels.length > 0 ? labels.join(", ") : (stringOf(member(answer, "freeform_answer")) ?? "");
  const isShort = options.length === 0 || options.some((option) => member(option, "id") === SHORT_OPTION);
  return { format: isShort ? "short" : "detailed", sentence: `You answered "${clip(words, 100)}".` };
}

function pathsOf(output: Json | undefined): Listing<string> {
  return listing(
    output,
    "paths",
    (path) => stringOf(path),
    (path) => path,
  );
}

function matchesOf(output: Json | undefined): Listing<Match> {
  return listing(output, "matches", matchOf, (match) => match.path);
}

function matchOf(value: Json): Match | undefined {
  const path = stringOf(member(value, "path"));
  const line = member(value, "line");
  const text = stringOf(member(value, "text"));
  if (path === undefined || typeof line !== "number" || text === undefined) return undefined;
  return { path, line, text: text.trim() };
}

/** The tour's own report is no finding: a second tour sees the same workspace as the first. */
function listing<Item>(
  output: Json | undefined,
  key: string,
  read: (value: Json) => Item | undefined,
  pathOf: (item: Item) => string,
): Listing<Item> {
  const items = elements(member(output, key)).flatMap((value) => {
    const item = read(value);
    return item === undefined || pathOf(item) === REPORT_FILE ? [] : [item];
  });
  return { items, truncated: member(output, "truncated") === true };
}

function member(value: Json | undefined, key: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[key] : undefined;
}

function elements(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
