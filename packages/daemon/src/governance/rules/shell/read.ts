import { parse } from "unbash";
import { UNKNOWN } from "../glob.ts";
import { hidesSubstitution } from "./hidden.ts";
import type { ReadText, Shell } from "./shell.ts";
import { isLoaded, isSum, sums } from "./sums.ts";
import { type Found, unwrapCommand } from "./unwrap.ts";
import { isNode, known, literal, type Node, type Word, wordOf } from "./words.ts";

const MAX_TEXT = 65_536;
const MAX_COMMANDS = 2_000;
const MAX_SUBSTITUTIONS = 500;
const MAX_DEPTH = 8;
/** Characters that no honest command holds and that readers take differently. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Takes a text of the shell apart into what it would run. Runs nothing, knows no variable, and says so where it matters. */
export function readShell(text: string, depth = 0): Shell {
  if (depth > MAX_DEPTH) return unclear("commands within commands go too deep");
  if (text.length > MAX_TEXT) return unclear("the command is too long");
  if ([...text.matchAll(/\$[({[]|[<>]\(|`/g)].length > MAX_SUBSTITUTIONS) {
    return unclear("the command holds too many substitutions");
  }
  if (CONTROL.test(text)) return unclear("the command holds control characters");
  let tree: unknown;
  try {
    // What the parser finds lazily is looked at as a whole: nothing may hide in what nobody asked for.
    tree = JSON.parse(JSON.stringify(parse(text)));
  } catch {
    return unclear("the command cannot be read");
  }
  const reader = new Reader((inner) => readShell(inner, depth + 1));
  reader.visit(tree);
  return reader.read();
}

function unclear(why: string): Shell {
  return { commands: [], redirects: [], moves: false, unclear: why };
}

const MOVERS = new Set(["cd", "pushd", "popd"]);
/** They take names of variables, in whose brackets stands what the shell evaluates once more. */
const EVALUATORS = new Set(["test", "[", "let", "unset", "read", "mapfile", "readarray", "wait"]);
const DECLARERS = new Set(["declare", "typeset", "local", "export", "readonly", "printf"]);
const PROMPT = "a prompt is expanded, which may run commands";
/** Names that mean nothing to the shell or to a program that it runs. */
const HARMLESS_NAME = /^[a-z_][a-z0-9_]*$/;

class Reader {
  readonly shell: Shell = { commands: [], redirects: [], moves: false };
  readonly #readText: ReadText;
  /** A sum reads variables, and a text that it could run stands somewhere in quotes. */
  #hasSum = false;
  #isLoaded = false;

  constructor(readText: ReadText) {
    this.#readText = readText;
  }

  read(): Shell {
    if (this.#hasSum && this.#isLoaded) this.shell.unclear ??= "a sum may run what stands in quotes";
    return this.shell;
  }

  /** Every node, of whatever kind: one that is not known is looked into all the same. */
  visit(value: unknown): void {
    if (this.shell.unclear !== undefined) return;
    if (Array.isArray(value)) {
      for (const one of value) this.visit(one);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const { errors } = value as { errors?: unknown };
    if (Array.isArray(errors) && errors.length > 0) {
      this.shell.unclear = "the command cannot be read";
      return;
    }
    if (isNode(value)) this.#read(value);
    for (const member of Object.values(value)) this.visit(member);
  }

  #read(node: Node): void {
    if (hidesSubstitution(node)) this.shell.unclear = "a substitution within an expansion cannot be read";
    if (isSum(node)) this.#sum(literal(String(node.text)));
    if (isLoaded(node)) this.#isLoaded = true;
    switch (node.type) {
      case "Command":
        this.#command(node);
        break;
      case "Redirect":
        this.#redirect(node);
        break;
      case "CommandExpansion":
      case "ProcessSubstitution":
        if (!isNode(node.script)) this.shell.unclear = "a substitution cannot be read";
        break;
      case "For":
      case "Select":
      case "Coproc":
        if (isNode(node.name)) this.#assigns(String(node.name.text));
        break;
      case "FileDescriptorVariable":
        this.#assigns(String(node.name));
        break;
      case "ParameterExpansion":
        if (/^\$\{\w+:?=/.test(String(node.text))) this.#assigns(String(node.parameter));
        if (/@P\}$/.test(String(node.text))) this.shell.unclear = PROMPT;
        break;
      // The shell's own tests and sums may run commands by what their variables hold.
      case "TestCommand":
        this.#hasSum = true;
        this.#add([literal("[["), ...wordsIn(node.expression)]);
        break;
      case "ArithmeticCommand":
        this.#sum(literal(String(node.body).trim()));
        break;
      case "ArithmeticFor":
        this.#sum();
        break;
    }
  }

  #sum(...shown: Word[]): void {
    this.#hasSum = true;
    this.#add([literal("(("), ...shown]);
  }

  /** `PATH` may be set by a loop as well as by an assignment. */
  #assigns(name: string): void {
    if (name === "PS4") this.shell.unclear = PROMPT;
    if (!HARMLESS_NAME.test(name))
      this.#add([{ shown: `${name}=…`, text: [...`${name}=`, UNKNOWN], isMany: false }]);
  }

  #command(node: Node): void {
    const before = listOf(node.prefix);
    const after = listOf(node.suffix);
    const words = [...before, ...(isNode(node.name) ? [node.name] : []), ...after].flatMap(wordsOf);
    if (words.length === 0) return;
    if (words.some(isPrompt)) this.shell.unclear = PROMPT;
    const name = isNode(node.name) ? wordOf(node.name) : undefined;
    const args = after.flatMap(wordsOf);
    const fed = fedBy([...before, ...after]);
    if (name !== undefined && evaluates(known(name), args)) {
      this.shell.unclear = "a builtin evaluates what stands in its words";
    }
    if (name !== undefined && sums(known(name), args)) this.#sum(literal(name.shown));
    const found = name === undefined ? {} : unwrapCommand(name, args, fed, this.#readText);
    // What is assigned for the command reaches what is behind it, too.
    const isAlone = !before.some(({ type }) => type === "Assignment");
    const inner = found.inner && { inner: { ...found.inner, isPlain: found.inner.isPlain && isAlone } };
    this.#add(words, { ...found, ...inner });
    if (name !== undefined && isMover(name)) this.shell.moves = true;
  }

  #add(words: Word[], { within, ...found }: Found = {}): void {
    const { shell } = this;
    if (shell.commands.length >= MAX_COMMANDS) shell.unclear ??= "the command runs too many others";
    shell.commands.push({ words, ...found });
    if (found.inner?.commands.some(({ words: [name] }) => name !== undefined && isMover(name)))
      shell.moves = true;
    if (within === undefined) return;
    shell.redirects.push(...within.redirects);
    shell.moves ||= within.moves;
    if (within.unclear !== undefined) shell.unclear ??= within.unclear;
  }

  #redirect({ operator, target }: Node): void {
    if (!isNode(target)) {
      this.shell.unclear = "a redirection leads nowhere";
      return;
    }
    const word = wordOf(target);
    const isDescriptor = /^[<>]&$/.test(String(operator)) && /^(?:\d+-?|-)$/.test(known(word) ?? "");
    if (!isDescriptor) this.shell.redirects.push(word);
  }
}

/** The text that a command is sure to read: the only thing that its input is taken from. */
function fedBy(items: readonly Node[]): Node | undefined {
  const inputs = items.filter(
    ({ type, operator }) =>
      type === "HereDoc" ||
      type === "HereString" ||
      (type === "Redirect" && /^(?:<|<>|<&)$/.test(String(operator))),
  );
  const [only] = inputs;
  return inputs.length === 1 && only?.type !== "Redirect" && only?.descriptor === undefined
    ? only
    : undefined;
}

/** `test -v 'a[$(rm x)]'` runs `rm`, and `printf -v PATH` assigns. */
function evaluates(name: string | undefined, args: readonly Word[]): boolean {
  const texts = args.map((word) => known(word) ?? "");
  if (name === "printf" && texts.some((text) => text.startsWith("-v"))) return true;
  return (
    (EVALUATORS.has(name ?? "") || DECLARERS.has(name ?? "")) && texts.some((text) => /\[.*[$`]/s.test(text))
  );
}

/** `set -x` expands it before each command. */
function isPrompt(word: Word): boolean {
  return /^PS4(?:\+?=|$)/.test(known(word) ?? word.shown);
}

/** A name that only the shell will know may be `cd`. */
function isMover(name: Word): boolean {
  return MOVERS.has(known(name) ?? "cd");
}

function listOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The words that a command's items are to a rule; of redirections none. */
function wordsOf(item: Node): Word[] {
  if (item.type === "Word") return [wordOf(item)];
  if (item.type !== "Assignment") return [];
  const { name, append, value, text, index } = item;
  if (!isNode(value) || value.type !== "Word") {
    return [{ shown: String(text), text: [...`${String(name)}=`, ...wordOf(arrayWord).text], isMany: false }];
  }
  const assigned = wordOf(value);
  const place = isNode(index) ? `[${String(index.text)}]` : "";
  const head = `${String(name)}${place}${append === true ? "+=" : "="}`;
  return [{ shown: head + assigned.shown, text: [...head, ...assigned.text], isMany: false }];
}

/** What a list holds is not told apart. */
const arrayWord: Node = { type: "Word", text: "*" };

function wordsIn(value: unknown): Word[] {
  if (Array.isArray(value)) return value.flatMap(wordsIn);
  if (typeof value !== "object" || value === null) return [];
  if (isNode(value) && value.type === "Word") return [wordOf(value)];
  return Object.values(value).flatMap(wordsIn);
}
