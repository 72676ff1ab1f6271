import type { Help, HelpConfiguration } from "commander";

/** A description that gets less room than this is moved below its term. */
const DESCRIPTION = 40;
const MARGIN = 2;

/**
 * Help that fits the screen: terms and descriptions in two columns, and a term that is too long for the first
 * has its description below it. Commander gives up wrapping where one long flag leaves little room beside it.
 */
export const helpLayout: HelpConfiguration = {
  minWidthToWrap: 20,
  formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    const helpWidth = helper.helpWidth ?? 80;
    const column = Math.min(termWidth, Math.max(MARGIN, helpWidth - DESCRIPTION - 2 * MARGIN));
    const indent = " ".repeat(MARGIN);
    if (description === "") return indent + term;
    const start = " ".repeat(2 * MARGIN + column);
    const below = helper.boxWrap(description, helpWidth - start.length).replaceAll("\n", `\n${start}`);
    const width = helper.displayWidth(term);
    return width > column
      ? `${indent}${term}\n${start}${below}`
      : `${indent}${term}${" ".repeat(column - width + MARGIN)}${below}`;
  },
};

const EXIT_CODES = [
  "0  done",
  "1  any other failure",
  "2  usage, or a refused request",
  "3  daemon unreachable",
  "4  not allowed",
  "5  not found",
  "6  conflict",
  "7  timeout, or try again later",
  "8  the answer could not be understood",
  "9  the run waits for a human",
  "10  the run ended, but not completed",
];

/** What commands end with, in two columns where they fit. */
export function exitCodes(columns: number): string {
  const half = Math.ceil(EXIT_CODES.length / 2);
  const cell = (code: string) => (code.startsWith("10") ? code : ` ${code}`);
  const lines =
    columns < 78
      ? EXIT_CODES.map(cell)
      : EXIT_CODES.slice(0, half).map((code, index) => {
          const beside = EXIT_CODES[index + half];
          return beside === undefined ? cell(code) : `${cell(code).padEnd(36)}${cell(beside)}`;
        });
  return ["", "Exit codes:", ...lines.map((line) => ` ${line}`)].join("\n");
}
