import fc from "fast-check";

/** Any character but a lone surrogate, which UTF-8 has none of. Fast-check's own unit of the kind takes a second to make. */
export const anyCharacter = fc
  .oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));

/** What an encoding gets wrong first: empty, prefixes of each other, terminators, the ends of Unicode. */
export const ODD_TEXTS = [
  ...["", "\u0000", "\u0000\u0000", "\u0001", "\u0002", "\u00020", "\u0003", " ", "0", "9", "10"],
  ...["A", "a", "a\u0000", "a\u0000b", "a\u0001", "a\u0002", "a ", "a!", "aa", "ab", "b", "a/b", "a%", "a_b"],
  ...["é", "e\u0301", "ÿ", "ключ", "汉字", "\ud7ff", "\ue000", "\ufffd", "\uffff", "🎈", "🎈🎈", "a🎈"],
  ...["\u{10fffd}", "\u{10fffe}", "\u{10fffe}0", "\u{10ffff}", "\u{10ffff}\u{10ffff}", "x".repeat(300)],
];

/** The order of the store: JavaScript's own compares UTF-16 units. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
