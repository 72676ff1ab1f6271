/**
 * PostgreSQL's text cannot hold U+0000. Every string is escaped on its way in and unescaped on its way out;
 * escaped strings sort, byte by byte, as the strings do. JSON text holds neither character and stays as it is.
 */
const ESCAPE = "\u0001";
const SHIFT = 0x30;

export function toText(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that need escaping
  return value.replace(/[\u0000\u0001]/g, (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) + SHIFT));
}

export function fromText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is the character that escapes
  return text.replace(/\u0001(.)/g, (_, char: string) => String.fromCharCode(char.charCodeAt(0) - SHIFT));
}
