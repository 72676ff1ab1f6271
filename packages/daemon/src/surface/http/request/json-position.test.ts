import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorPosition } from "./json-position.ts";

describe("jsonErrorPosition", () => {
  it.each([
    ["", 1, 1],
    ["{", 1, 2],
    ["[1,2", 1, 5],
    ["[1,]", 1, 4],
    ['{"a":1,}', 1, 8],
    ['{"a" 1}', 1, 6],
    ["{a:1}", 1, 2],
    ['{"a":x}', 1, 6],
    ['["abc', 1, 6],
    ['["a\nb"]', 1, 4],
    ['["\\x"]', 1, 3],
    ["[1]\n\n  ]", 3, 3],
    ["01", 1, 2],
    ["-", 1, 1],
    ["[1 2]", 1, 4],
    ["[{}}", 1, 4],
    ["\u00a0{}", 1, 1],
    ["{}x", 1, 3],
  ])("finds where %j stops being JSON", (text, line, column) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(jsonErrorPosition(text)).toEqual({ line, column });
  });

  it("finds a stray character wherever it is put between tokens", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const text = JSON.stringify(value, null, 1);
        const gaps = [0, ...[...text.matchAll(/(?<=[[\]{},])|$/g)].map((match) => match.index)];
        const gap = outsideStrings(text, gaps)[seed % gaps.length] ?? 0;
        const broken = `${text.slice(0, gap)}@${text.slice(gap)}`;
        const before = text.slice(0, gap).split("\n");
        expect(jsonErrorPosition(broken)).toEqual({
          line: before.length,
          column: (before.at(-1)?.length ?? 0) + 1,
        });
      }),
    );
  });

  it("stands at the end of a well-formed text that is cut short", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(), (value, seed) => {
        const text = JSON.stringify([value]);
        const cut = text.slice(0, seed % text.length);
        if (/[\d.eE+\-a-z\\u]$/.test(cut)) return; // half a word is refused where the word begins
        expect(jsonErrorPosition(cut).column).toBe(cut.length + 1);
      }),
    );
  });

  it("needs no stack for nesting and no backtracking for length", () => {
    expect(jsonErrorPosition("[".repeat(1_000_000))).toEqual({ line: 1, column: 1_000_001 });
    expect(jsonErrorPosition(`"${"x".repeat(10_000_000)}`)).toEqual({ line: 1, column: 10_000_002 });
  });
});

function outsideStrings(text: string, gaps: number[]): number[] {
  return gaps.filter((gap) => (text.slice(0, gap).replaceAll(/\\./g, "").split('"').length - 1) % 2 === 0);
}
