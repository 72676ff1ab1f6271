import type { RuleMatch } from "@kheish/contract";
import { aligns } from "./align.ts";
import { type Certainty, Glob } from "./glob.ts";
import { fitsPath, type SeenPath } from "./paths.ts";
import { openedBy, type Seen } from "./seen.ts";
import type { Shell, ShellCommand } from "./shell/shell.ts";
import type { Word } from "./shell/words.ts";

type CommandPattern = NonNullable<RuleMatch["command"]>[number];

/** What the shell may open without touching a file. */
const HARMLESS = new Set(["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty"]);
const REST = "**";

/**
 * Whether a match surely fits all that a call touches, as an `allow` has to, or possibly fits any of it, which is enough
 * for a `deny` or `ask`. What nobody can say of a call speaks against it both times.
 */
export function fits(match: RuleMatch, seen: Seen, certainty: Certainty): boolean {
  return certainty === "surely" ? fitsWholly(match, seen) : fitsPossibly(match, seen);
}

function fitsPossibly({ command, path, host }: RuleMatch, seen: Seen): boolean {
  if (seen.unclear !== undefined) return true;
  const { shell } = seen;
  return (
    (command === undefined || (shell?.commands ?? []).some((one) => mayRun(command, one))) &&
    (path === undefined || seen.paths.some((one) => fitsPath(path, one, "possibly"))) &&
    (host === undefined || seen.hosts.some((one) => one === undefined || fitsHost(host, one)))
  );
}

/** A member that is not given lets nothing of its kind pass, so a rule names all kinds of things that it means. */
function fitsWholly(match: RuleMatch, seen: Seen): boolean {
  if (seen.unclear !== undefined || !seen.isWhole) return false;
  if (seen.shell !== undefined) return allowsShell(match, seen, seen.shell);
  const { command, path, host } = match;
  if (command !== undefined || seen.paths.length + seen.hosts.length === 0) return false;
  return (
    seen.paths.every((one) => path !== undefined && fitsPath(path, one, "surely")) &&
    seen.hosts.every((one) => host !== undefined && one !== undefined && fitsHost(host, one)) &&
    (path === undefined || seen.paths.length > 0) &&
    (host === undefined || seen.hosts.length > 0)
  );
}

/** Every command has to be named, and every file that the shell itself opens. */
function allowsShell({ command, path, host }: RuleMatch, seen: Seen, shell: Shell): boolean {
  if (command === undefined || host !== undefined || shell.commands.length === 0) return false;
  const mayOpen = (one: SeenPath) =>
    (one !== undefined && HARMLESS.has(one.path)) || (path !== undefined && fitsPath(path, one, "surely"));
  return shell.commands.every((one) => isNamed(command, one)) && openedBy(shell, seen).every(mayOpen);
}

/** A program that runs just another one is named with that. */
function isNamed(patterns: readonly CommandPattern[], { words, inner, isUnclear }: ShellCommand): boolean {
  if (patterns.some(({ argv }) => meets(argv, words, "surely"))) return true;
  if (inner === undefined || !inner.isPlain || isUnclear === true) return false;
  return inner.commands.length > 0 && inner.commands.every((one) => isNamed(patterns, one));
}

function mayRun(patterns: readonly CommandPattern[], command: ShellCommand): boolean {
  if (command.isUnclear === true) return true;
  const forms = formsOf(command.words);
  return (
    patterns.some(({ argv }) => forms.some((words) => meets(argv, words, "possibly"))) ||
    (command.inner?.commands ?? []).some((one) => mayRun(patterns, one))
  );
}

/** A command that is stopped is stopped under its whole path, too, and with whatever it assigns for itself. */
function formsOf(words: readonly Word[]): (readonly Word[])[] {
  const at = words.findIndex(({ shown }) => !/^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/.test(shown));
  if (at === -1) return [words];
  const bare = words.slice(at);
  const [name, ...args] = bare;
  const slash = name === undefined ? -1 : name.text.lastIndexOf("/");
  if (name === undefined || slash === -1) return [words, bare];
  const text = name.text.slice(slash + 1);
  return [words, bare, [{ ...name, text }, ...args]];
}

/** Word for word; `**` stands for any further words. */
function meets(argv: readonly string[], words: readonly Word[], certainty: Certainty): boolean {
  return aligns<string, Word>(argv, words, {
    isManyP: (pattern) => pattern === REST,
    isManyS: (word) => word.isMany && certainty === "possibly",
    takes: (pattern, word) => {
      if (pattern === REST) return true;
      if (word.isMany && certainty === "surely") return false;
      return new Glob(pattern).fits(word.text, certainty);
    },
  });
}

function fitsHost(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) => new Glob(pattern.toLowerCase()).matches(host));
}
