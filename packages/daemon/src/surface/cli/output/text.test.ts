import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayWidth, oneLine, printable, truncate, wrap, wrapWords } from "./text.ts";

describe("printable text", () => {
  it("cannot steer the terminal", () => {
    const hostile = "a\x1b[2Jb\x1b]0;title\x07c\x9b31md\u202ee\x00f\r\ng\rh\ti";
    const shown = printable(hostile);
    expect(shown.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
    expect(shown.endsWith("f\ng\nh  i")).toBe(true);
  });

  it("fits on one line when asked", () => {
    expect(oneLine("  two\n\n words\t")).toBe("two words");
  });
});

describe("width", () => {
  it.each([
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["日本", 4],
    ["👩‍👩‍👧", 2],
    ["❤️", 1],
    ["a\u200bb", 2],
  ])("of %j is %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it("is kept when text is cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        const shown = printable(text).replaceAll("\n", " ");
        const cut = truncate(shown, width);
        expect(displayWidth(cut)).toBeLessThanOrEqual(width);
        if (displayWidth(shown) <= width) expect(cut).toBe(shown);
      }),
    );
  });

  it.each([
    ["short", 20, ["short"]],
    ["plan mode allows only tools that read", 15, ["plan mode", "allows only", "tools that read"]],
    ["9c9422b22f0cb8f93c0dd823", 10, ["9c9422b22f", "0cb8f93c0d", "d823"]],
    ["a 9c9422b22f0cb8f93c0d", 10, ["a", "9c9422b22f", "0cb8f93c0d"]],
    ["one two three four five", 5, ["one", "two", "three", "four…"]],
    ["日本語です", 4, ["日本", "語で", "す"]],
    ["日", 1, ["…"]],
  ])("%j in %i columns breaks between words", (text, width, rows) => {
    expect(wrapWords(text, width, 4)).toEqual(rows);
  });

  it("is kept when text is wrapped, and no text is lost", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 20 }), (text, width) => {
        const shown = printable(text);
        const rows = wrap(shown, width);
        for (const row of rows) expect(displayWidth(row)).toBeLessThanOrEqual(width);
        expect(rows.join("")).toBe(shown.replaceAll("\n", ""));
      }),
    );
  });
});
