import { aligns } from "./align.ts";

/** Stands for characters that nobody knows before the command runs: any number of them, none included. */
export const UNKNOWN = Symbol("unknown");
export type Text = readonly (string | typeof UNKNOWN)[];

/**
 * How a pattern has to fit what is not wholly known. `surely`: whatever it turns out to be, as an `allow` wants it.
 * `possibly`: in some way, as a `deny` or `ask` wants it.
 */
export type Certainty = "surely" | "possibly";

const STAR = Symbol("star");
const ONE = Symbol("one");
type Token = string | typeof STAR | typeof ONE;

/** Longer texts with unknown parts are unknown as a whole: they are compared by a table. */
const MAX_TABLE = 512;

/** `*` stands for any characters, `\` takes the next character for itself; with `one`, `?` stands for one character. */
export class Glob {
  readonly #tokens: readonly Token[];

  constructor(pattern: string, { one = false }: { one?: boolean } = {}) {
    const tokens: Token[] = [];
    for (let i = 0, characters = [...pattern]; i < characters.length; i++) {
      const character = characters[i] ?? "";
      if (character === "*") tokens.push(STAR);
      else if (character === "?" && one) tokens.push(ONE);
      else if (character === "\\" && i + 1 < characters.length) tokens.push(characters[++i] ?? "");
      else tokens.push(character);
    }
    this.#tokens = tokens;
  }

  /** Whether the pattern fits a text that is known. */
  matches(text: string): boolean {
    return this.#walk([...text]);
  }

  fits(text: Text, certainty: Certainty): boolean {
    if (!text.includes(UNKNOWN)) return this.#walk(text as readonly string[]);
    const short: Text = text.length > MAX_TABLE ? [UNKNOWN] : text;
    return aligns<Token, string | typeof UNKNOWN>(this.#tokens, short, {
      isManyP: (token) => token === STAR,
      isManyS: (part) => part === UNKNOWN && certainty === "possibly",
      takes: (token, part) => token === STAR || (part !== UNKNOWN && (token === ONE || token === part)),
    });
  }

  /** From left to right; where it does not go on, the last star takes one more character. */
  #walk(text: readonly string[]): boolean {
    const tokens = this.#tokens;
    let at = 0;
    let star = -1;
    let taken = 0;
    for (let i = 0; i < text.length; ) {
      const token = tokens[at];
      if (token === STAR) {
        star = at++;
        taken = i;
      } else if (token !== undefined && (token === ONE || token === text[i])) {
        at += 1;
        i += 1;
      } else if (star >= 0) {
        at = star + 1;
        taken += 1;
        i = taken;
      } else {
        return false;
      }
    }
    return tokens.slice(at).every((token) => token === STAR);
  }
}
