import { expect, test } from "vitest";
import { limitsOf } from "./models.ts";

test.each([
  { model: "claude-sonnet-4-6", is: { context_tokens: 200_000, max_output_tokens: 64_000 } },
  { model: "anthropic/claude-sonnet-4.6", is: { context_tokens: 200_000, max_output_tokens: 64_000 } },
  { model: "claude-opus-4-1-20250805", is: { context_tokens: 200_000, max_output_tokens: 32_000 } },
  { model: "claude-of-tomorrow", is: { context_tokens: 200_000 } },
  { model: "GPT-5.4", is: { context_tokens: 400_000, max_output_tokens: 128_000 } },
  { model: "gpt-4.1-mini", is: { context_tokens: 1_047_576, max_output_tokens: 32_768 } },
  { model: "gemini-2.5-pro", is: { context_tokens: 1_048_576, max_output_tokens: 65_536 } },
  { model: "grok-4-fast-reasoning", is: { context_tokens: 2_000_000 } },
  { model: "llama-7b", is: {} },
])("$model", ({ model, is }) => {
  expect(limitsOf(model)).toEqual(is);
});
