import type { Word } from "./words.ts";

/** One command that a text makes the shell run. */
export interface ShellCommand {
  /** Its name and arguments; what it assigns for itself stands before them. */
  words: Word[];
  /** What it runs in turn: `sudo rm`, `sh -c '…'`. Plain: it runs just that, and with the same rights. */
  inner?: { commands: ShellCommand[]; isPlain: boolean };
  /** It runs something that nobody can name. */
  isUnclear?: true;
}

export interface Shell {
  /** Every command of every pipeline, list, loop, function and substitution. */
  commands: ShellCommand[];
  /** Files that are opened by `<` and `>`. */
  redirects: Word[];
  /** Relative paths may start from elsewhere than where the shell was started. */
  moves: boolean;
  /** Why nobody can say what would run. */
  unclear?: string;
}

/** Takes a text that a command hands to a shell apart. */
export type ReadText = (text: string) => Shell;
