/** Where a text stops being JSON, counted from 1 as editors do. */
export interface TextPosition {
  line: number;
  column: number;
}

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const KEYWORD = /true|false|null/y;
/** All but the quote, the backslash and control characters. */
const PLAIN_CHARACTERS = /[ !#-[\]-\u{10ffff}]*/uy;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * The position of the first character that cannot stand where it stands.
 * `JSON.parse` tells it only sometimes, and quotes the text when it does not. Called for texts it refused;
 * nesting costs an array entry, never a stack frame.
 */
export function jsonErrorPosition(text: string): TextPosition {
  const before = text.slice(0, new Scanner(text).errorOffset()).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

class Scanner {
  readonly #text: string;
  readonly #open: ("[" | "{")[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  errorOffset(): number {
    let wellFormed = this.#value();
    while (wellFormed && this.#open.length > 0) wellFormed = this.#afterValue();
    if (wellFormed) this.#take(WHITESPACE);
    return this.#at;
  }

  // Each step answers whether the text is still JSON; when it is not, the scanner stands at the culprit.

  #value(): boolean {
    for (;;) {
      this.#take(WHITESPACE);
      if (this.#takeCharacter("[")) {
        if (this.#enter("[", "]")) return true;
      } else if (this.#takeCharacter("{")) {
        if (this.#enter("{", "}")) return true;
        if (!this.#key()) return false;
      } else return this.#string() || this.#take(NUMBER) || this.#take(KEYWORD);
    }
  }

  /** Opens a container; true when it is empty and thereby a complete value. */
  #enter(open: "[" | "{", close: string): boolean {
    this.#take(WHITESPACE);
    if (this.#takeCharacter(close)) return true;
    this.#open.push(open);
    return false;
  }

  #afterValue(): boolean {
    this.#take(WHITESPACE);
    const inArray = this.#open.at(-1) === "[";
    if (this.#takeCharacter(inArray ? "]" : "}")) return this.#open.pop() !== undefined;
    return this.#takeCharacter(",") && (inArray || this.#key()) && this.#value();
  }

  #key(): boolean {
    this.#take(WHITESPACE);
    if (!this.#string()) return false;
    this.#take(WHITESPACE);
    return this.#takeCharacter(":");
  }

  #string(): boolean {
    if (!this.#takeCharacter('"')) return false;
    do this.#take(PLAIN_CHARACTERS);
    while (this.#take(ESCAPE));
    return this.#takeCharacter('"');
  }

  #takeCharacter(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken.length > 0;
  }
}
