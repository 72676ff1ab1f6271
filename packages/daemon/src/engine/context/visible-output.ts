import { createHash } from "node:crypto";
import type { Json } from "@kheish/contract";
import type { ToolResult } from "../messages.ts";
import { estimateText, textOfJson } from "./estimate.ts";

/** 01-R83. */
const VISIBLE_TOKEN_LIMIT = 10_000;
const PREVIEW_CHARACTERS = 32_000;

/**
 * The output as the prompt shows it: a large one becomes an object that says what was cut and where the rest is
 * (01-R83). The journal keeps the raw output.
 */
export function promptVisible(result: ToolResult): ToolResult {
  if (isVisibleOutput(result.output)) return result;
  const text = textOfJson(result.output);
  // A byte costs at least 0.285 tokens and a character at most 3 bytes of UTF-16 text: skip the exact count when safe.
  if (text.length * 3 * 0.285 <= VISIBLE_TOKEN_LIMIT) return result;
  const tokens = estimateText(text);
  if (tokens <= VISIBLE_TOKEN_LIMIT) return result;
  return { ...result, output: visibleOutput(result, text, tokens) };
}

/** The R83 object for an output whose raw text is at hand. */
export function visibleOutput(result: ToolResult, text: string, tokens = estimateText(text)): Json {
  return {
    _kheish_prompt_visible_tool_output: {
      truncated: true,
      source_id: result.call_id,
      tool_name: result.tool_name,
      raw_ref: `session://tool-results/${result.call_id}`,
      sha256: createHash("sha256").update(text).digest("hex"),
      bytes: Buffer.byteLength(text),
      estimated_tokens: tokens,
      token_limit: VISIBLE_TOKEN_LIMIT,
      preview: previewOf(text),
      message: `The output is too large to show whole: these are its first ${PREVIEW_CHARACTERS} characters. Narrow the call to see more.`,
    },
  };
}

/** Ends between characters, never within one. */
function previewOf(text: string): string {
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(PREVIEW_CHARACTERS - 1));
  return text.slice(0, isHalf ? PREVIEW_CHARACTERS - 1 : PREVIEW_CHARACTERS);
}

function isVisibleOutput(output: Json): boolean {
  return (
    typeof output === "object" &&
    output !== null &&
    !Array.isArray(output) &&
    "_kheish_prompt_visible_tool_output" in output
  );
}

/** What a microcompaction leaves of an old output. */
export const CLEARED_OUTPUT: Json = {
  cleared: true,
  message: "Old tool output was removed to save context.",
};
