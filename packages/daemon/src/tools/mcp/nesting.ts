/** A document that nests deeper is none of anybody who means well: to write it down again takes minutes. */
export const MAX_NESTING = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Looks at JSON as it comes, before anybody parses it. */
export class Nesting {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** False once it has nested too deep. Runs over every byte of every answer, so it is written for that. */
  take(bytes: Uint8Array): boolean {
    let depth = this.#depth;
    let isInString = this.#isInString;
    let isEscaped = this.#isEscaped;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
      } else if (byte === QUOTE) {
        isInString = true;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        depth += 1;
        if (depth > MAX_NESTING) return false;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (depth > 0) depth -= 1;
      }
    }
    this.#depth = depth;
    this.#isInString = isInString;
    this.#isEscaped = isEscaped;
    return true;
  }

  /** A line has ended, which none does within a string. */
  endLine(): void {
    this.#isInString = false;
    this.#isEscaped = false;
  }

  /** The next document begins. */
  reset(): void {
    this.#depth = 0;
    this.endLine();
  }
}
