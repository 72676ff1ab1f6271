import { expect, test } from "vitest";
import { Findings } from "../verify/findings.ts";
import type { LedgerLine } from "./servers.ts";
import { type CallEnd, checkCalls, endOf } from "./verify.ts";

const line = (call: string, key = `key of ${call}`): LedgerLine => ({
  tool: "note",
  call,
  key,
  pid: 1,
});

function found(ends: [string, CallEnd | undefined][], lines: LedgerLine[]): string[] {
  const findings = new Findings();
  checkCalls(new Map(ends), lines, findings);
  return findings.sentences;
}

test("a call is told by what its run was told", () => {
  expect(endOf({ content: [{ type: "text", text: "did x" }] })).toBe("did");
  expect(endOf({ error: "interrupted, outcome unknown", outcome: "unknown" })).toBe("unknown");
  expect(endOf({ error: "MCP server 'far' cannot be used now" })).toBe("refused");
  expect(endOf(undefined)).toBeUndefined();
});

test("what may happen and be told is no finding", () => {
  expect(
    found(
      [
        ["a-note", "did"],
        ["b-note", "unknown"],
        ["c-note", "unknown"],
        ["d-look", "did"],
        ["e-note", "refused"],
      ],
      [line("a-note"), line("b-note"), line("d-look"), line("d-look")],
    ),
  ).toEqual([]);
});

test.each<[string, [string, CallEnd | undefined], LedgerLine[], string]>([
  ["twice", ["a-note", "unknown"], [line("a-note"), line("a-note")], "repeated: a-note was done 2 times"],
  ["nothing said", ["a-note", undefined], [], "lost: a-note has no end"],
  ["never done", ["a-look", "did"], [], "lost: a-look is told as done and was not"],
  ["hidden", ["a-note", "refused"], [line("a-note")], "lost: a-note was done and is told as refused"],
  ["given up", ["a-look", "unknown"], [], "lost: a-look may be repeated and is told as unknown"],
  [
    "other keys",
    ["a-look", "did"],
    [line("a-look"), line("a-look", "k")],
    "repeated: a-look was made under 2 keys",
  ],
])("%s is one", (_name, end, lines, sentence) => {
  expect(found([end], lines)).toEqual([sentence]);
});

test("so is one key for two calls", () => {
  expect(found([], [line("a-note", "k"), line("b-note", "k")])).toEqual([
    "repeated: a-note and b-note share the key k",
  ]);
});
