import { UNKNOWN } from "../glob.ts";
import type { ReadText, Shell, ShellCommand } from "./shell.ts";
import { isLinker, isStream, runsUnnamed } from "./unnamed.ts";
import { ANY_WORDS, isNode, known, type Node, type Word } from "./words.ts";
import { APPLET_HOSTS, unwrap, WRAPPERS } from "./wrappers.ts";

/** What is behind a command: what it runs, and what comes to light with that. */
export interface Found extends Omit<ShellCommand, "words"> {
  within?: Shell;
}

const MAX_WRAPPERS = 16;

const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash"]);
const EXEC_PRIMARIES = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

/** What a command runs in turn. `fed`: the text that its input is taken from, where that stands in the command. */
export function unwrapCommand(
  name: Word,
  args: readonly Word[],
  fed: Node | undefined,
  readText: ReadText,
  level = 0,
): Found {
  const program = known(name);
  // A name that only the shell will know may be that of anything.
  if (program === undefined) return { isUnclear: true };
  const base = program.slice(program.lastIndexOf("/") + 1);
  const found = behindProgram(base, args, fed, readText, level);
  // A program of that name elsewhere may do anything else.
  return found.inner === undefined || program === base || /^\/(?:usr\/)?bin\/[^/]+$/.test(program)
    ? found
    : { ...found, inner: { ...found.inner, isPlain: false } };
}

function behindProgram(
  base: string,
  args: readonly Word[],
  fed: Node | undefined,
  readText: ReadText,
  level: number,
): Found {
  if (runsUnnamed(base, args)) return { isUnclear: true };
  if (SHELLS.has(base)) return shellIn(args, fed, readText);
  if (base === "source" || base === ".") return sourced(args);
  if (base === "find") return findIn(args, readText, level);
  if (base === "trap") return trapIn(args, readText);
  if (APPLET_HOSTS.has(base) || isLinker(base)) return behind(args, false, readText, level);
  const wrapper = Object.hasOwn(WRAPPERS, base) ? WRAPPERS[base] : undefined;
  if (wrapper === undefined) return {};
  const inside = unwrap(wrapper, args);
  if (inside.kind === "alone") return {};
  if (inside.kind === "unclear") return { isUnclear: true };
  const words = wrapper.addsWords === true ? withMore(inside.words, args) : inside.words;
  return wrapper.isText === true
    ? textIn(words, inside.isPlain, readText)
    : behind(words, inside.isPlain, readText, level);
}

/** Words that are a command by themselves. */
function behind(words: readonly Word[], isPlain: boolean, readText: ReadText, level: number): Found {
  const [name, ...args] = words;
  if (name === undefined) return {};
  if (level >= MAX_WRAPPERS) return { isUnclear: true };
  const { within, ...found } = unwrapCommand(name, args, undefined, readText, level + 1);
  return {
    inner: { commands: [{ words: [...words], ...found }], isPlain },
    ...(within === undefined ? {} : { within }),
  };
}

/** Words that a shell reads as a text. */
function textIn(words: readonly Word[], isPlain: boolean, readText: ReadText): Found {
  const texts = words.map((word) => (word.isMany ? undefined : known(word)));
  if (texts.includes(undefined)) return { isUnclear: true };
  return textRun(texts.join(" "), isPlain, readText);
}

function textRun(text: string, isPlain: boolean, readText: ReadText): Found {
  const within = readText(text);
  return { inner: { commands: within.commands, isPlain }, within };
}

/** `sh -c TEXT`, `bash -lc TEXT`, a script, or what comes in. */
function shellIn(args: readonly Word[], fed: Node | undefined, readText: ReadText): Found {
  let isPlain = true;
  let wantsText = false;
  let hasOptions = true;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as Word;
    const text = word.isMany ? undefined : known(word);
    if (text === undefined) return { isUnclear: true };
    if (hasOptions && (text === "--" || text === "-")) {
      hasOptions = false;
      continue;
    }
    if (hasOptions && /^[-+]./.test(text)) {
      if (text.startsWith("--")) {
        if (!["--login", "--norc", "--noprofile", "--posix"].includes(text)) return { isUnclear: true };
        continue;
      }
      if (!/^[-+][abcefhiklmnoprstuvxBCEHPO]+$/.test(text)) return { isUnclear: true };
      if (!/^-[celux]+$/.test(text)) isPlain = false;
      if (text.includes("c")) wantsText = true;
      // Each takes a word, wherever it stands among the others.
      at += [...text].filter((letter) => letter === "o" || letter === "O").length;
      if (/s/.test(text)) return fedText(fed, readText);
      continue;
    }
    // Without -c it is a script's name.
    if (wantsText) return textRun(text, isPlain, readText);
    return isStream(text) ? { isUnclear: true } : {};
  }
  return wantsText ? { isUnclear: true } : fedText(fed, readText);
}

/** A file is a script like any other; what only the shell can name, or what comes in, is a text from anywhere. */
function sourced(args: readonly Word[]): Found {
  const [file] = args.filter((word, at) => at > 0 || known(word) !== "--");
  if (file === undefined) return {};
  const path = known(file);
  return path === undefined || isStream(path) ? { isUnclear: true } : {};
}

/** A shell that reads its input runs what stands there; a pipe may bring anything. */
function fedText(fed: Node | undefined, readText: ReadText): Found {
  const text = fed === undefined ? undefined : textOf(fed);
  return text === undefined ? { isUnclear: true } : textRun(text, true, readText);
}

function textOf({ type, operator, target, delimiter, body }: Node): string | undefined {
  if (type === "HereString") return isNode(target) ? literalOf(target) : undefined;
  if (!isNode(body)) return undefined;
  // The tabs that `<<-` takes away may be those that hide the end of another here-document.
  if (operator === "<<-" && /^\t/m.test(String(body.text))) return undefined;
  const isQuoted = isNode(delimiter) && delimiter.quoted === true;
  const text = String(body.text);
  return isQuoted || !/[$`\\]/.test(text) ? text : undefined;
}

function literalOf(target: Node): string | undefined {
  const text = String(target.text);
  return /[$`\\*?~[{]/.test(text.replace(/^'[^']*'$/, "")) ? undefined : String(target.value);
}

/** `find … -exec PROGRAM … ;`, as often as it stands there. */
function findIn(args: readonly Word[], readText: ReadText, level: number): Found {
  if (args.some((word) => word.isMany && word.shown.startsWith("$"))) return { isUnclear: true };
  const commands: ShellCommand[] = [];
  let within: Shell | undefined;
  for (let at = 0; at < args.length; at++) {
    if (!EXEC_PRIMARIES.has(known(args[at] as Word) ?? "")) continue;
    const end = args.findIndex((word, index) => index > at && [";", "+"].includes(known(word) ?? ""));
    if (end === -1) return { isUnclear: true };
    const words = args
      .slice(at + 1, end)
      .map((word) => (word.shown.includes("{}") ? placeholder(word) : word));
    const found = behind(words, false, readText, level);
    commands.push(...(found.inner?.commands ?? []));
    within ??= found.within;
    at = end;
  }
  if (commands.length === 0) return {};
  return { inner: { commands, isPlain: false }, ...(within === undefined ? {} : { within }) };
}

function placeholder({ shown }: Word): Word {
  return { shown, text: [UNKNOWN], isMany: false };
}

function trapIn(args: readonly Word[], readText: ReadText): Found {
  const [first, ...signals] = args.filter((word, at) => at > 0 || known(word) !== "--");
  if (first === undefined || signals.length === 0) return {};
  const text = known(first);
  if (text === undefined) return { isUnclear: true };
  return text === "-" || text === "" || text.startsWith("-") ? {} : textRun(text, false, readText);
}

/** `xargs` adds what comes in at the end, or puts it in the place of a mark that may be any word. */
function withMore(words: readonly Word[], args: readonly Word[]): Word[] {
  const [name, ...rest] = words;
  if (name === undefined) return [];
  const replaces = args.some(({ shown }) => /^(?:-[A-Za-z0-9]*[Ii]|--replace)/.test(shown));
  if (!replaces) return [name, ...rest, ANY_WORDS];
  return /^[\w./+-]+$/.test(name.shown) ? [name, ANY_WORDS] : [placeholder(name), ANY_WORDS];
}
