import fc from "fast-check";
import { expect, test } from "vitest";
import { fromText, toText } from "./text.ts";

const oddText = fc.string({ unit: fc.constantFrom("\u0000", "\u0001", "\u0002", "0", "1", "a", "é", "🎈") });

test("any text comes back, and holds no U+0000 meanwhile", () => {
  fc.assert(
    fc.property(oddText, (text) => {
      expect(toText(text)).not.toContain("\u0000");
      expect(fromText(toText(text))).toBe(text);
    }),
  );
});

test("texts sort as they did", () => {
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  fc.assert(
    fc.property(oddText, oddText, (a, b) => {
      expect(order(toText(a), toText(b))).toBe(order(a, b));
    }),
  );
});
