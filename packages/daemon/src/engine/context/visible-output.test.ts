import { createHash } from "node:crypto";
import type { Json, JsonObject } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { result } from "../testing.ts";
import { estimateJson, estimateText } from "./estimate.ts";
import { promptVisible } from "./visible-output.ts";

/** 10,000 tokens are at most this many bytes. */
const FITTING_BYTES = 35_087;
const KEY = "_kheish_prompt_visible_tool_output";

function shown(output: Json): JsonObject {
  const visible = promptVisible(result("call-1", output, "bash")).output as JsonObject;
  return visible[KEY] as JsonObject;
}

describe("01-R83: a tool output in the prompt", () => {
  it("stays as it is up to 10,000 estimated tokens", () => {
    const fits = result("call-1", "x".repeat(FITTING_BYTES));
    expect(estimateText("x".repeat(FITTING_BYTES))).toBe(10_000);
    expect(promptVisible(fits)).toBe(fits);
    const parts = result("call-1", { stdout: "x".repeat(30_000) });
    expect(promptVisible(parts)).toBe(parts);
  });

  it("above that says what was cut, how much, and where the rest is", () => {
    const text = `first${"x".repeat(FITTING_BYTES)}last`;
    expect(shown(text)).toEqual({
      truncated: true,
      source_id: "call-1",
      tool_name: "bash",
      raw_ref: "session://tool-results/call-1",
      sha256: createHash("sha256").update(text).digest("hex"),
      bytes: FITTING_BYTES + 9,
      estimated_tokens: 10_003,
      token_limit: 10_000,
      preview: text.slice(0, 32_000),
      message: expect.stringContaining("32000 characters"),
    });
  });

  it("is measured and previewed as JSON when it is no text", () => {
    const output = { stdout: "x".repeat(FITTING_BYTES) };
    const text = JSON.stringify(output);
    expect(shown(output)).toMatchObject({ bytes: text.length, preview: text.slice(0, 32_000) });
  });

  it("counts bytes, not characters", () => {
    expect(promptVisible(result("call-1", "日".repeat(11_695))).output).toBe("日".repeat(11_695));
    expect(shown("日".repeat(11_700))).toMatchObject({ bytes: 35_100, estimated_tokens: 10_004 });
  });

  it("is cut between characters", () => {
    const { preview } = shown(`x${"🦊".repeat(20_000)}`);
    expect((preview as string).isWellFormed()).toBe(true);
  });

  it("keeps the rest of the result", () => {
    const failed = { ...result("call-1", "x".repeat(40_000)), is_error: true };
    expect(promptVisible(failed)).toMatchObject({ call_id: "call-1", tool_name: "probe", is_error: true });
  });

  it("is cut once: what was cut is left alone", () => {
    const once = promptVisible(result("call-1", "日".repeat(40_000)));
    expect(estimateJson(once.output)).toBeGreaterThan(10_000);
    expect(promptVisible(once)).toBe(once);
  });

  it("is left alone exactly when the estimate fits", () => {
    const sizes = fc.integer({ min: 11_000, max: 36_000 });
    fc.assert(
      fc.property(sizes, fc.constantFrom("x", "é", "日"), (size, character) => {
        const whole = result("call-1", character.repeat(size));
        expect(promptVisible(whole) === whole).toBe(estimateJson(whole.output) <= 10_000);
      }),
    );
  });
});
