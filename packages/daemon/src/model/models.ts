import type { ModelLimits } from "../engine/ports.ts";

/**
 * Context windows and output limits, by the beginning of the model's name; the longest that fits wins.
 * Where a provider's figures differ by account or beta header, the smaller one stands here.
 */
const LIMITS: readonly (readonly [prefix: string, context: number, output?: number])[] = [
  ["claude", 200_000],
  ["claude-3-haiku", 200_000, 4_096],
  ["claude-3-opus", 200_000, 4_096],
  ["claude-3-5", 200_000, 8_192],
  ["claude-3-7", 200_000, 64_000],
  ["claude-opus-4", 200_000, 32_000],
  ["claude-opus-4-5", 200_000, 64_000],
  ["claude-opus-4-6", 200_000, 64_000],
  ["claude-sonnet-4", 200_000, 64_000],
  ["claude-haiku-4", 200_000, 64_000],
  ["gpt-4-turbo", 128_000, 4_096],
  ["gpt-4o", 128_000, 16_384],
  ["gpt-4-1", 1_047_576, 32_768],
  ["gpt-5", 400_000, 128_000],
  ["gpt-5-chat", 128_000, 16_384],
  ["o1", 200_000, 100_000],
  ["o3", 200_000, 100_000],
  ["o4", 200_000, 100_000],
  ["codex", 200_000, 100_000],
  ["gemini-1-5-pro", 2_097_152, 8_192],
  ["gemini-1-5-flash", 1_048_576, 8_192],
  ["gemini-2-0", 1_048_576, 8_192],
  ["gemini-2-5", 1_048_576, 65_536],
  ["gemini-3", 1_048_576, 65_536],
  ["grok-3", 131_072],
  ["grok-4", 256_000],
  ["grok-4-fast", 2_000_000],
  ["grok-code", 256_000],
];

/** What is known of a model; nothing for one that is in no table. */
export function limitsOf(model: string): ModelLimits {
  const name = normalise(model);
  let best: (typeof LIMITS)[number] | undefined;
  for (const row of LIMITS) {
    if (name.startsWith(row[0]) && row[0].length > (best?.[0].length ?? 0)) best = row;
  }
  if (best === undefined) return {};
  const [, context_tokens, max_output_tokens] = best;
  return { context_tokens, ...(max_output_tokens === undefined ? {} : { max_output_tokens }) };
}

/** Without the vendor that OpenRouter puts before a name, and with one spelling of `4.6` and `4-6`. */
function normalise(model: string): string {
  return model
    .slice(model.lastIndexOf("/") + 1)
    .toLowerCase()
    .replaceAll(".", "-");
}
