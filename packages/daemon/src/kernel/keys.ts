import type { KeyParts } from "./store.ts";

/**
 * Encodes key parts as one string whose byte order is the order of the parts.
 * Each part ends in a terminator that sorts below every escaped character, so ["a"] sorts before ["a", "b"]
 * and before ["ab"], and a prefix of whole parts is a prefix of the string.
 */
const END = "\u0001";
const ESCAPE_LOW = "\u0002";
const ESCAPE_HIGH = "\u{10fffe}";
/** Stands in no key, so it closes the range of every prefix, the empty one included. */
const ABOVE_ALL = "\u{10ffff}";
const DIGITS = 16;

export function encodeKey(parts: KeyParts): string {
  return parts
    .map((part) => `${typeof part === "string" ? encodeText(part) : encodeNumber(part)}${END}`)
    .join("");
}

/** A string above every key that has this prefix, and below every other key that is above the prefix. */
export function prefixEnd(prefix: string): string {
  return prefix + ABOVE_ALL;
}

function encodeNumber(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`index key is not a non-negative integer: ${value}`);
  return value.toString().padStart(DIGITS, "0");
}

/** U+0000 is kept out too: PostgreSQL text cannot hold it, and a cursor is split at it. */
function encodeText(value: string): string {
  return (
    value
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that need escaping
      .replace(/[\u0000-\u0002]/g, (char) => ESCAPE_LOW + String.fromCharCode(char.charCodeAt(0) + 0x30))
      .replace(/[\u{10fffe}\u{10ffff}]/gu, (char) => ESCAPE_HIGH + (char === ESCAPE_HIGH ? "0" : "1"))
  );
}

const CURSOR_SPLIT = "\u0000";

/** A place in an index: the encoded key, which holds no U+0000, then the id, which tells equal keys apart. */
export function encodeCursor(key: string, id: string): string {
  return Buffer.from(key + CURSOR_SPLIT + id).toString("base64url");
}

export function decodeCursor(cursor: string): { key: string; id: string } {
  const place = Buffer.from(cursor, "base64url").toString();
  const split = place.indexOf(CURSOR_SPLIT);
  if (split === -1) throw new RangeError("not a cursor");
  return { key: place.slice(0, split), id: place.slice(split + CURSOR_SPLIT.length) };
}
