import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundedJson, cutText, MCP_LIMITS } from "./json-limits.ts";
import { toolOutput } from "./result.ts";

const noBlobs = { put: async () => ({ sha256: "0".repeat(64), sizeBytes: 3 }) } as never;
const nested = (depth: number): unknown => (depth === 0 ? "deep" : { in: nested(depth - 1) });

describe("03, Limits: what a server answers", () => {
  it.each<[string, unknown, unknown]>([
    [
      "a long string",
      "x".repeat(16_385),
      { value: "x".repeat(16_384), truncated: true, original_chars: 16_385 },
    ],
    ["a string at the limit", "x".repeat(16_384), "x".repeat(16_384)],
    ["what is no JSON", { a: undefined, b: Number.NaN, c: () => 1 }, { b: null, c: null }],
    ["a key of two", { __proto__x: 1 }, { __proto__x: 1 }],
  ])("%s", (_name, value, expected) => {
    expect(boundedJson(value)).toEqual(expected);
  });

  it("arrays, objects, keys and depth are cut where they exceed it, and say so", () => {
    const array = boundedJson(Array.from({ length: 200 }, (_, n) => n)) as unknown[];
    expect(array).toHaveLength(129);
    expect(array.at(-1)).toEqual({ truncated: true, original_items: 200 });
    const object = boundedJson(
      Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, n])),
    ) as object;
    expect(Object.keys(object)).toHaveLength(129);
    expect(object).toMatchObject({ __truncated__: { truncated: true, original_fields: 200 } });
    const key = "k".repeat(600);
    const cut = key.slice(0, 512);
    expect(Object.keys(boundedJson({ [`${key}a`]: 1, [`${key}b`]: 2, [`${key}c`]: 3 }) as object)).toEqual([
      cut,
      `${cut}__2`,
      `${cut}__3`,
    ]);
    expect(JSON.stringify(boundedJson(nested(7)))).toContain("deep");
    expect(JSON.stringify(boundedJson(nested(9)))).toContain('{"truncated":true,"reason":"max_json_depth"}');
  });

  it("own keys called like a prototype's stay keys", () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}');
    expect(JSON.stringify(boundedJson(hostile))).toBe('{"__proto__":{"polluted":1},"constructor":2}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("a text is never cut inside of a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), fc.nat(20), (text, length) => {
        const cut = cutText(text, length);
        expect(cut.isWellFormed()).toBe(text.isWellFormed());
        expect(text.startsWith(cut)).toBe(true);
        expect(cut.length).toBeLessThanOrEqual(Math.max(length, 0));
      }),
    );
  });

  it("text and items beyond the limit are marked", async () => {
    const long = { type: "text", text: "y".repeat(MCP_LIMITS.text + 1) };
    const output = await toolOutput(
      { content: [long, ...Array(70).fill({ type: "text", text: "z" })] },
      noBlobs,
    );
    expect(output).toMatchObject({ content_truncated: true, original_content_items: 71 });
    expect(output.content).toHaveLength(64);
    expect((output.content as unknown[])[0]).toMatchObject({
      text: "y".repeat(MCP_LIMITS.text),
      truncated: true,
      original_chars: MCP_LIMITS.text + 1,
    });
  });
});
