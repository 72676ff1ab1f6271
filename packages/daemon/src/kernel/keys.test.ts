import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyCharacter, byBytes } from "./conformance/texts.ts";
import { decodeCursor, encodeCursor, encodeKey, prefixEnd } from "./keys.ts";

/** Characters around every border of the encoding, and anything else. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("\u0000", "\u0001", "\u0002", "0", "a", "\u{10fffe}", "\u{10ffff}") }),
  fc.string({ unit: anyCharacter }),
);
const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const parts = fc.array(fc.oneof(text, number), { maxLength: 3 });

describe("encoded keys", () => {
  test("texts sort by their bytes", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(byBytes(encodeKey([a]), encodeKey([b]))).toBe(byBytes(a, b));
      }),
    );
  });

  test("numbers sort by value", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(byBytes(encodeKey([a]), encodeKey([b]))).toBe(Math.sign(a - b));
      }),
    );
  });

  test("parts sort one after the other, fewer before more", () => {
    fc.assert(
      fc.property(fc.array(text), fc.array(text), (a, b) => {
        const first = a.findIndex((part, index) => part !== b[index]);
        const expected =
          first === -1
            ? Math.sign(a.length - b.length)
            : b[first] === undefined
              ? 1
              : byBytes(a[first] ?? "", b[first]);
        expect(byBytes(encodeKey(a), encodeKey(b))).toBe(expected);
      }),
    );
  });

  test("a range from a prefix to its end holds what begins with its parts, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 2 }), fc.array(text, { maxLength: 3 }), (prefix, key) => {
        const from = encodeKey(prefix);
        const within = (encoded: string) =>
          byBytes(encoded, from) >= 0 && byBytes(encoded, prefixEnd(from)) < 0;
        expect(within(encodeKey(key))).toBe(prefix.every((part, index) => part === key[index]));
        expect(within(encodeKey([...prefix, ...key]))).toBe(true);
      }),
    );
  });

  test("they hold no character that PostgreSQL cannot keep", () => {
    fc.assert(fc.property(parts, (key) => !encodeKey(key).includes("\u0000")));
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1])(
    "%d is no part",
    (value) => {
      expect(() => encodeKey([value])).toThrow(RangeError);
    },
  );
});

describe("cursors", () => {
  test("come back as the place they were made of", () => {
    fc.assert(
      fc.property(parts, text, (key, id) => {
        const cursor = encodeCursor(encodeKey(key), id);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor(cursor)).toEqual({ key: encodeKey(key), id });
      }),
    );
  });

  test.each(["", "?", Buffer.from("key").toString("base64url")])("%j is none", (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(RangeError);
  });
});
