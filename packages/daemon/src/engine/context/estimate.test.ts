import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Message } from "../messages.ts";
import type { Entry } from "../state.ts";
import { assistant, call, NOW, result, user } from "../testing.ts";
import { calibratedTokens, estimateJson, estimateMessage, estimateText, paddedTokens } from "./estimate.ts";

function entriesOf(...messages: Message[]): Entry[] {
  return messages.map((message, index) => ({
    seq: index + 1,
    atMs: NOW,
    message,
    tokens: estimateMessage(message),
  }));
}

describe("01-R82: the estimate", () => {
  it.each([
    ["", 0],
    ["a", 1],
    ["abcd", 2],
    ["x".repeat(1_000), 285],
    ["x".repeat(1_001), 286],
    ["é", 1],
    ["日".repeat(100), 86],
    ["🦊".repeat(100), 114],
  ])("of a text is ceil(0.285 x its UTF-8 bytes)", (text, tokens) => {
    expect(estimateText(text)).toBe(tokens);
  });

  it("of a value is that of its JSON, and a text is not quoted first", () => {
    expect(estimateJson("abcd")).toBe(2);
    expect(estimateJson({ a: 1 })).toBe(estimateText('{"a":1}'));
    expect(estimateJson(null)).toBe(estimateText("null"));
  });

  it("of a message is the sum of its parts", () => {
    expect(estimateMessage(user("x".repeat(100)))).toBe(29);
    expect(estimateMessage(assistant("x".repeat(100), { calls: [call("c", "bash", { a: 1 })] }))).toBe(
      29 + estimateText("bash") + estimateText('{"a":1}'),
    );
    const reasoning = { ...assistant(""), parts: [{ type: "reasoning" as const, text: "x".repeat(100) }] };
    expect(estimateMessage(reasoning)).toBe(29);
    const results = [result("a", "x".repeat(100)), result("b", { a: 1 })];
    expect(estimateMessage({ role: "tool", results })).toBe(29 + 2);
  });

  it("of a file is one number, whatever its bytes", () => {
    const file = {
      type: "file" as const,
      sha256: "0",
      media_type: "image/png",
      file_name: "a",
      size_bytes: 9e6,
    };
    expect(estimateMessage({ ...user("x".repeat(100)), parts: [file, file] })).toBe(3_000);
  });

  it("of messages is their sum x 4/3, rounded up once", () => {
    expect(paddedTokens([])).toBe(0);
    expect(paddedTokens(entriesOf(user("a")))).toBe(2);
    expect(paddedTokens(entriesOf(user("a"), user("a"), user("a")))).toBe(4);
  });

  it("never shrinks when something is added", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), (texts, more) => {
        const entries = entriesOf(...texts.map((text) => user(text)));
        expect(paddedTokens([...entries, ...entriesOf(user(more))])).toBeGreaterThanOrEqual(
          paddedTokens(entries),
        );
      }),
    );
  });
});

describe("01-R82: the calibrated count", () => {
  const used = assistant("answer", { usage: { input_tokens: 5_000, output_tokens: 70 } });

  it("is the newest reported usage plus estimates of what came after it", () => {
    const entries = entriesOf(user("x".repeat(9_000)), used, user("a"));
    expect(calibratedTokens(entries, 0)).toBe(5_070 + 2);
  });

  it("takes the newest of several reports", () => {
    const newer = assistant("again", { usage: { input_tokens: 6_000, output_tokens: 1 } });
    expect(calibratedTokens(entriesOf(used, user("a"), newer), 0)).toBe(6_001);
  });

  it("is the padded estimate when nobody reported", () => {
    const entries = entriesOf(user("x".repeat(1_000)), assistant("y".repeat(1_000)));
    expect(calibratedTokens(entries, 0)).toBe(760);
  });

  it("does not believe a report about a prompt that a checkpoint has cut since", () => {
    const entries = entriesOf(user("x".repeat(1_000)), used, user("a"));
    expect(calibratedTokens(entries, 2)).toBe(paddedTokens(entries));
    expect(calibratedTokens(entries, 1)).toBe(5_072);
  });
});
