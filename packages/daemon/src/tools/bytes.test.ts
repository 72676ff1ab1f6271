import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headOf, isText, TextCheck, tailOf } from "./bytes.ts";

const texts = fc.string({ unit: fc.constantFrom("a", "é", "€", "\u{1f600}", "\n"), maxLength: 20 });
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  texts.map((text) => Buffer.from(text)),
);

describe("bytes of UTF-8", () => {
  it("are cut between characters, losing no more than has to be", () => {
    fc.assert(
      fc.property(texts, fc.nat(30), (text, limit) => {
        const bytes = Buffer.from(text);
        const head = headOf(bytes, limit);
        const tail = tailOf(bytes, limit);
        expect(text.startsWith(head.toString())).toBe(true);
        expect(text.endsWith(tail.toString())).toBe(true);
        for (const part of [head, tail]) {
          expect(part.length).toBeLessThanOrEqual(limit);
          expect(part.length).toBeGreaterThan(Math.min(bytes.length, limit) - 4);
        }
      }),
    );
  });

  it("are told from other bytes the same way, however they arrive", () => {
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 1, max: 5 }), (bytes, chunk) => {
        const check = new TextCheck();
        for (let at = 0; at < bytes.length; at += chunk)
          check.push(Buffer.from(bytes.subarray(at, at + chunk)));
        expect(check.finish()).toBe(isText(Buffer.from(bytes)));
      }),
    );
  });
});
