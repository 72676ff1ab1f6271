import { isNode, known, type Node, type Word } from "./words.ts";

/**
 * The shell's sums evaluate the names in them, and what those hold, and so on: `$(rm x)` runs where a variable holds
 * `a[$(rm x)]`. Sums stand in `((…))` and `[[…]]`, in places of lists and of texts, and in what `${!x}` points at.
 */
export function isSum({ type, text, name, prefix, index, operation }: Node): boolean {
  if (type === "Assignment") return isNode(index) && hasNames(String(index.text));
  if (type === "FileDescriptorVariable") return String(name).includes("[");
  if (type === "Word") return /^\[[^\]]*[A-Za-z_$`][^\]]*\]\+?=/.test(String(text));
  if (type === "ArithmeticExpansion") return hasNames(String(text).slice(1));
  if (type !== "ParameterExpansion") return false;
  const isList = isNode(index) && /^[@*]$/.test(String(index.text));
  if (isNode(index) && !isList && hasNames(String(index.text))) return true;
  const kind = isNode(operation) ? operation.type : undefined;
  if (prefix === "!" && kind !== "Names" && !isList) return true;
  if (kind !== "Slice") return kind === "Unknown";
  const { offset, length } = operation as Node;
  return [offset, length].some((one) => isNode(one) && hasNames(String(one.text)));
}

function hasNames(sum: string): boolean {
  return /[A-Za-z_$[\]`'"\\]/.test(sum);
}

/** They take names of variables, in whose brackets stands a sum. */
const BY_NAME = new Set(["unset", "read", "mapfile", "readarray", "wait"]);
const DECLARERS = new Set(["declare", "typeset", "local", "export", "readonly"]);
const TESTS = new Set(["test", "["]);

/** Whether a builtin sums: it does nothing else, or takes the name of a list with a sum in its brackets. */
export function sums(name: string | undefined, args: readonly Word[]): boolean {
  if (name === undefined) return false;
  const texts = args.map((word) => (word.isMany ? undefined : known(word)));
  if (name === "let") return texts.some((text) => text === undefined || hasNames(text));
  const takesNames = BY_NAME.has(name) || TESTS.has(name) || DECLARERS.has(name);
  if (takesNames && texts.some((text) => /^\w+\[.*[A-Za-z_$`]/s.test(text ?? ""))) return true;
  if (BY_NAME.has(name)) return texts.includes(undefined);
  if (TESTS.has(name)) {
    return texts.some((text, at) => text === undefined && isVariableTest(texts, at));
  }
  if (name === "printf") return args[0] !== undefined && texts[0] === undefined && maySayV(args[0]);
  if (!DECLARERS.has(name)) return false;
  // What is declared as a number is a sum from then on, and what stands for another name may stand for one with a sum.
  return texts.some((text) => /^-[A-Za-z]*[in]/.test(text ?? "")) || args.some(hidesItsName);
}

/** `-v NAME`, where the first or both are not known; of three words the one in the middle says what the others are. */
function isVariableTest(texts: readonly (string | undefined)[], at: number): boolean {
  const before = texts[at - 1];
  return at > 0 && (before === undefined || before === "-v" || before === "-R");
}

function maySayV({ text }: Word): boolean {
  return typeof text[0] !== "string" || text[0] === "-";
}

function hidesItsName(word: Word): boolean {
  const equals = word.text.indexOf("=");
  const name = equals === -1 ? word.text : word.text.slice(0, equals);
  return name.some((part) => typeof part !== "string");
}

/** A text that a sum may be made to run: it stands in quotes, so that the shell leaves it alone at first. */
export function isLoaded({ type, value, text, parts }: Node): boolean {
  if (type === "HereDocBody") return !Array.isArray(parts) && LOADED.test(String(text));
  const isText = type === "SingleQuoted" || type === "AnsiCQuoted" || type === "Literal";
  return isText && LOADED.test(String(value));
}

const LOADED = /\$[({]|`/;
