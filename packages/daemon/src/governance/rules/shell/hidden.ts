import { isNode, type Node } from "./words.ts";

/** What stands for itself in a text: it is looked at where it is found in the tree. */
const FOUND = new Set([
  "CommandExpansion",
  "ProcessSubstitution",
  "ArithmeticExpansion",
  "ParameterExpansion",
  "SimpleExpansion",
]);
/** Where the shell expands, and a reader may take quotes and slashes for what they are not. */
const EXPANDED = new Set(["ParameterExpansion", "DoubleQuoted", "LocaleString", "HereDocBody"]);

const BEGINS = /\$[({[]|`/;
const BEGINS_IN_PARAMETER = /\$[({[]|`|[<>]\(/;

/**
 * Whether a text holds the beginning of a substitution that the parser has not told of: `'…'` is no quoting within a
 * here-document, and a slash within `$(…)` does not end a pattern. Whatever is left when all that was found is taken out
 * of it was read by the parser as plain text, and may be none to the shell.
 */
export function hidesSubstitution(node: Node): boolean {
  if (!EXPANDED.has(node.type) || isQuotedBody(node)) return false;
  let rest = String(node.text);
  for (const text of foundIn(node)) rest = rest.replace(text, () => " ");
  if (node.type === "ParameterExpansion")
    return BEGINS_IN_PARAMETER.test(rest.slice(2)) || hasUnclearPattern(node);
  return BEGINS.test(rest.replaceAll(/\\[\s\S]/g, " "));
}

/** The pattern of `${x/…/…}` was cut at the first slash, which may be one of a path in `$(…)`. */
function hasUnclearPattern({ operation }: Node): boolean {
  if (!isNode(operation) || operation.type !== "Replace" || !isNode(operation.pattern)) return false;
  return BEGINS_IN_PARAMETER.test(String(operation.pattern.text).replaceAll(/\$\{\w+\}/g, ""));
}

/** Of a here-document whose delimiter is quoted nothing is expanded, and it has no parts. */
function isQuotedBody({ type, parts }: Node): boolean {
  return type === "HereDocBody" && !Array.isArray(parts);
}

/** The outermost, in the order of the text. */
function foundIn(node: Node): string[] {
  return Object.values(node).flatMap(outermost);
}

function outermost(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(outermost);
  if (typeof value !== "object" || value === null) return [];
  if (isNode(value) && FOUND.has(value.type)) return [String(value.text)];
  return Object.values(value).flatMap(outermost);
}
