import type { KeyParts } from "./store.ts";

/**
 * Encodes key parts as one string whose byte order is the order of the parts.
 * Each part ends in a terminator that sorts below every escaped character, so ["a"] sorts before ["a", "b"]
 * and before ["ab"], and a prefix of whole parts is a prefix of the string.
 */
const END = "\u0001";
const ESCAPE = "\u0002";
const DIGITS = 16;

export function encodeKey(parts: KeyParts): string {
  return parts
    .map((part) => `${typeof part === "number" ? encodeNumber(part) : encodeText(part)}${END}`)
    .join("");
}

/** The smallest string above every key that has this prefix. */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

function encodeNumber(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`index key is not a non-negative integer: ${value}`);
  return value.toString().padStart(DIGITS, "0");
}

/** U+0000 is kept out too: PostgreSQL text cannot hold it. */
function encodeText(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that need escaping
  return value.replace(/[\u0000-\u0002]/g, (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) + 0x30));
}
