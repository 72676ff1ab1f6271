import { type Text, UNKNOWN } from "../glob.ts";

/** One word of a command, as far as it is known before the shell has expanded it. */
export interface Word {
  /** As it is written where it is not known, without its quotes where it is. */
  shown: string;
  text: Text;
  /** It may become several words, or none. */
  isMany: boolean;
}

/** A node of the parser's tree, as plain data. */
export interface Node {
  type: string;
  [member: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

export function literal(text: string): Word {
  return { shown: text, text: [...text], isMany: false };
}

/** Any words: what a command that was not understood may run. */
export const ANY_WORDS: Word = { shown: "…", text: [UNKNOWN], isMany: true };

export function known({ text }: Word): string | undefined {
  return text.includes(UNKNOWN) ? undefined : text.join("");
}

interface Draft {
  text: (string | typeof UNKNOWN)[];
  isMany: boolean;
}

/** Reads a `Word` of the parser. */
export function wordOf(node: Node): Word {
  const draft: Draft = { text: [], isMany: false };
  const parts = partsOf(node);
  if (parts === undefined) addUnquoted(draft, String(node.text), true);
  else for (const [index, part] of parts.entries()) addPart(draft, part, index === 0);
  const isKnown = !draft.text.includes(UNKNOWN);
  return { shown: isKnown ? draft.text.join("") : String(node.text), ...draft };
}

function partsOf({ parts }: Node): Node[] | undefined {
  return Array.isArray(parts) && parts.length > 0 ? parts.filter(isNode) : undefined;
}

function addPart(draft: Draft, part: Node, isFirst: boolean): void {
  switch (part.type) {
    case "Literal":
      addUnquoted(draft, String(part.text), isFirst);
      break;
    case "SingleQuoted":
    case "AnsiCQuoted":
      draft.text.push(...String(part.value));
      break;
    case "DoubleQuoted":
    case "LocaleString":
      for (const child of partsOf(part) ?? []) addQuoted(draft, child);
      break;
    case "ProcessSubstitution":
      draft.text.push(UNKNOWN);
      break;
    // Expansions, globs and braces: no, one or many words.
    default:
      draft.text.push(UNKNOWN);
      draft.isMany = true;
  }
}

/** In double quotes an expansion stays one word, but for `"$@"` and `"${list[@]}"`. */
function addQuoted(draft: Draft, part: Node): void {
  if (part.type === "Literal") {
    draft.text.push(...String(part.value));
    return;
  }
  draft.text.push(UNKNOWN);
  if (/@/.test(String(part.text))) draft.isMany = true;
}

/** Escapes are taken away; what the shell matches against file names, or a home directory, is not known. */
function addUnquoted(draft: Draft, raw: string, isFirst: boolean): void {
  const characters = [...raw];
  const lastClose = characters.lastIndexOf("]");
  let start = 0;
  if (isFirst && characters[0] === "~") {
    draft.text.push(UNKNOWN);
    const slash = characters.indexOf("/");
    start = slash === -1 ? characters.length : slash;
  }
  for (let i = start; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "\\") {
      i += 1;
      const escaped = characters[i];
      // A line that goes on.
      if (escaped !== undefined && escaped !== "\n") draft.text.push(escaped);
    } else if (character === "*" || character === "?" || isBracket(characters, i, lastClose)) {
      draft.text.push(UNKNOWN);
      draft.isMany = true;
      if (character === "[") i = characters.indexOf("]", i + 1);
    } else {
      draft.text.push(character);
    }
  }
}

function isBracket(characters: readonly string[], at: number, lastClose: number): boolean {
  return characters[at] === "[" && at + 1 < lastClose && characters.indexOf("]", at + 1) > at + 1;
}
