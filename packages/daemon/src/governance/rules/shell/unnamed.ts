import { posix } from "node:path";
import { known, type Word } from "./words.ts";

/** Programs that hand a text to a shell, or start one, in ways that are not followed: they may run anything. */
const MAY_RUN_ANYTHING = new Set([
  "at",
  "batch",
  "compgen",
  "complete",
  "csh",
  "elvish",
  "fish",
  "i386",
  "linux32",
  "linux64",
  "nu",
  "pkexec",
  "pwsh",
  "run0",
  "script",
  "setarch",
  "sg",
  "start-stop-daemon",
  "su",
  "systemd-run",
  "tcsh",
  "x86_64",
  "xonsh",
  "yash",
]);

/**
 * Whether a program runs what none of its words names: a callback that is evaluated, a name that means another program
 * from here on, a script that is whatever comes in.
 */
export function runsUnnamed(base: string, args: readonly Word[]): boolean {
  if (MAY_RUN_ANYTHING.has(base)) return true;
  const texts = args.map((word) => (word.isMany ? undefined : known(word)));
  const some = (matches: RegExp) => texts.some((text) => text === undefined || matches.test(text));
  if (base === "alias") return some(/=/);
  if (base === "hash") return some(/^-[a-z]*p/);
  if (base === "mapfile" || base === "readarray") return some(/^-[A-Za-z]*C/);
  return false;
}

/** `/dev/stdin` and its like as a script: it may hold anything. */
export function isStream(script: string): boolean {
  return /^(?:\/|(?:\.\.\/)+)(?:dev|proc)\//.test(posix.normalize(script));
}

/** The dynamic linker starts the program that it is given. */
export function isLinker(base: string): boolean {
  return /^ld(?:-linux[\w-]*|-musl[\w-]*|64)?\.so(?:\.\d+)*$/.test(base);
}
