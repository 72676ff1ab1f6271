import { UNKNOWN } from "../glob.ts";
import type { Shell, ShellCommand } from "./shell.ts";
import type { Word } from "./words.ts";

/**
 * What a rule sees of a shell command, a line each: a command with its words, what it runs in turn behind `->` (`=>`: and
 * it alone, with the same rights), files that are opened behind `>`. A word that holds a space or nothing is in quotes,
 * one that only the shell will know in `‹›`, and with `*` where it may become none or several.
 */
export function shownShell({ commands, redirects, moves, unclear }: Shell): string[] {
  if (unclear !== undefined) return [`unclear: ${unclear}`];
  return [
    ...commands.flatMap((command) => shownCommand(command, "")),
    ...redirects.map((word) => `> ${shownWord(word)}`),
    ...(moves ? ["moves"] : []),
  ];
}

function shownCommand({ words, inner, isUnclear }: ShellCommand, mark: string): string[] {
  const deeper = `${mark === "" ? "" : `${mark} `}${inner?.isPlain === true ? "=>" : "->"}`;
  return [
    [mark, ...words.map(shownWord)].filter((part) => part !== "").join(" "),
    ...(isUnclear === true ? [`${mark === "" ? "" : `${mark} `}-> anything`] : []),
    ...(inner?.commands ?? []).flatMap((command) => shownCommand(command, deeper)),
  ];
}

function shownWord({ shown, text, isMany }: Word): string {
  if (text.includes(UNKNOWN)) return `‹${shown}›${isMany ? "*" : ""}`;
  return /[\s"‹›]/.test(shown) || shown === "" ? JSON.stringify(shown) : shown;
}
