import type { Capability, DriverName } from "../routes/drivers.ts";

/** Micro-USD for a million tokens. */
export interface TokenPrices {
  input: number;
  output: number;
  /** Of input tokens that the provider read from its cache; absent: as any other input. */
  cached_input?: number | undefined;
}

export interface ModelPrices extends TokenPrices {
  /** In force instead, for the whole call, when its input is longer than `above_input_tokens`. */
  long_context?: (TokenPrices & { above_input_tokens: number }) | undefined;
}

/** A family of models: what `model_support = "family"` lets through on the routes of a driver (02-R29). */
export interface FamilyRow {
  driver: DriverName;
  /** Tested against the model's name as the provider spells it, in any case. */
  names: RegExp;
}

/** What is known of the models whose names begin with `name`; the longest name that fits wins. */
export interface ModelRow {
  /** Lower case, without vendor, `-` for `.`: see `normalise`. */
  name: string;
  context_tokens: number;
  max_output_tokens?: number;
  /** List prices. They hold for the name itself and its dated or preview spellings, not for whatever else begins so. */
  prices?: ModelPrices;
  /** What its driver can do and it cannot. */
  lacks?: readonly Capability[];
}

/**
 * The families. A driver that is not listed takes any model.
 * These are 02-R29 and the renamed OpenAI families that it refused (`o4-…`, `chatgpt-…`, `codex-…`).
 */
export const FAMILIES: readonly FamilyRow[] = [
  { driver: "anthropic", names: /claude/i },
  { driver: "google", names: /^gemini/i },
  { driver: "openai", names: /^(gpt|chatgpt|codex)/i },
  { driver: "openai", names: /^o\d/i },
  { driver: "simulator", names: /^(script|echo)$/ },
  { driver: "xai", names: /^grok/i },
];

/** US dollars for a million tokens, as price lists have them. */
function usd(input: number, output: number, cachedInput?: number): TokenPrices {
  const micro = (dollars: number) => Math.round(dollars * 1_000_000);
  return {
    input: micro(input),
    output: micro(output),
    ...(cachedInput === undefined ? {} : { cached_input: micro(cachedInput) }),
  };
}

function beyond(aboveInputTokens: number, prices: TokenPrices): Pick<ModelPrices, "long_context"> {
  return { long_context: { above_input_tokens: aboveInputTokens, ...prices } };
}

const NO_SEARCH: readonly Capability[] = ["native_web_search"];
const TEXT_ONLY: readonly Capability[] = ["multimodal_input"];

/**
 * The models. Where a provider's limits differ by account or beta header, the smaller one stands here.
 * Prices are those of text; a model without them costs what its route says, or nobody knows what.
 */
export const MODELS: readonly ModelRow[] = [
  { name: "claude", context_tokens: 200_000 },
  {
    name: "claude-3-haiku",
    context_tokens: 200_000,
    max_output_tokens: 4_096,
    prices: usd(0.25, 1.25, 0.03),
    lacks: NO_SEARCH,
  },
  {
    name: "claude-3-opus",
    context_tokens: 200_000,
    max_output_tokens: 4_096,
    prices: usd(15, 75, 1.5),
    lacks: NO_SEARCH,
  },
  { name: "claude-3-5", context_tokens: 200_000, max_output_tokens: 8_192 },
  {
    name: "claude-3-5-haiku",
    context_tokens: 200_000,
    max_output_tokens: 8_192,
    prices: usd(0.8, 4, 0.08),
  },
  {
    name: "claude-3-5-sonnet",
    context_tokens: 200_000,
    max_output_tokens: 8_192,
    prices: usd(3, 15, 0.3),
  },
  { name: "claude-3-7", context_tokens: 200_000, max_output_tokens: 64_000 },
  {
    name: "claude-3-7-sonnet",
    context_tokens: 200_000,
    max_output_tokens: 64_000,
    prices: usd(3, 15, 0.3),
  },
  { name: "claude-opus-4", context_tokens: 200_000, max_output_tokens: 32_000, prices: usd(15, 75, 1.5) },
  { name: "claude-opus-4-1", context_tokens: 200_000, max_output_tokens: 32_000, prices: usd(15, 75, 1.5) },
  { name: "claude-opus-4-5", context_tokens: 200_000, max_output_tokens: 64_000, prices: usd(5, 25, 0.5) },
  { name: "claude-opus-4-6", context_tokens: 200_000, max_output_tokens: 64_000, prices: usd(5, 25, 0.5) },
  { name: "claude-sonnet-4", context_tokens: 200_000, max_output_tokens: 64_000, prices: usd(3, 15, 0.3) },
  {
    name: "claude-sonnet-4-5",
    context_tokens: 200_000,
    max_output_tokens: 64_000,
    prices: usd(3, 15, 0.3),
  },
  {
    name: "claude-sonnet-4-6",
    context_tokens: 200_000,
    max_output_tokens: 64_000,
    prices: usd(3, 15, 0.3),
  },
  { name: "claude-haiku-4", context_tokens: 200_000, max_output_tokens: 64_000 },
  { name: "claude-haiku-4-5", context_tokens: 200_000, max_output_tokens: 64_000, prices: usd(1, 5, 0.1) },
  { name: "gpt-4-turbo", context_tokens: 128_000, max_output_tokens: 4_096, prices: usd(10, 30) },
  { name: "gpt-4o", context_tokens: 128_000, max_output_tokens: 16_384, prices: usd(2.5, 10, 1.25) },
  { name: "gpt-4o-mini", context_tokens: 128_000, max_output_tokens: 16_384, prices: usd(0.15, 0.6, 0.075) },
  { name: "gpt-4-1", context_tokens: 1_047_576, max_output_tokens: 32_768, prices: usd(2, 8, 0.5) },
  { name: "gpt-4-1-mini", context_tokens: 1_047_576, max_output_tokens: 32_768, prices: usd(0.4, 1.6, 0.1) },
  {
    name: "gpt-4-1-nano",
    context_tokens: 1_047_576,
    max_output_tokens: 32_768,
    prices: usd(0.1, 0.4, 0.025),
    lacks: NO_SEARCH,
  },
  { name: "gpt-5", context_tokens: 400_000, max_output_tokens: 128_000, prices: usd(1.25, 10, 0.125) },
  { name: "gpt-5-mini", context_tokens: 400_000, max_output_tokens: 128_000, prices: usd(0.25, 2, 0.025) },
  { name: "gpt-5-nano", context_tokens: 400_000, max_output_tokens: 128_000, prices: usd(0.05, 0.4, 0.005) },
  { name: "gpt-5-chat", context_tokens: 128_000, max_output_tokens: 16_384, prices: usd(1.25, 10, 0.125) },
  { name: "gpt-5-1", context_tokens: 400_000, max_output_tokens: 128_000, prices: usd(1.25, 10, 0.125) },
  { name: "gpt-5-2", context_tokens: 400_000, max_output_tokens: 128_000, prices: usd(1.75, 14, 0.175) },
  {
    name: "gpt-5-4",
    context_tokens: 400_000,
    max_output_tokens: 128_000,
    prices: { ...usd(2.5, 15, 0.25), ...beyond(272_000, usd(5, 22.5, 0.5)) },
  },
  {
    name: "gpt-5-4-mini",
    context_tokens: 400_000,
    max_output_tokens: 128_000,
    prices: usd(0.75, 4.5, 0.075),
  },
  { name: "o1", context_tokens: 200_000, max_output_tokens: 100_000, prices: usd(15, 60, 7.5) },
  {
    name: "o1-mini",
    context_tokens: 128_000,
    max_output_tokens: 65_536,
    prices: usd(1.1, 4.4, 0.55),
    lacks: TEXT_ONLY,
  },
  { name: "o3", context_tokens: 200_000, max_output_tokens: 100_000, prices: usd(2, 8, 0.5) },
  {
    name: "o3-mini",
    context_tokens: 200_000,
    max_output_tokens: 100_000,
    prices: usd(1.1, 4.4, 0.55),
    lacks: TEXT_ONLY,
  },
  { name: "o4", context_tokens: 200_000, max_output_tokens: 100_000 },
  { name: "o4-mini", context_tokens: 200_000, max_output_tokens: 100_000, prices: usd(1.1, 4.4, 0.275) },
  { name: "codex", context_tokens: 200_000, max_output_tokens: 100_000 },
  { name: "gemini-1-5-pro", context_tokens: 2_097_152, max_output_tokens: 8_192 },
  { name: "gemini-1-5-flash", context_tokens: 1_048_576, max_output_tokens: 8_192 },
  { name: "gemini-2-0", context_tokens: 1_048_576, max_output_tokens: 8_192 },
  {
    name: "gemini-2-0-flash",
    context_tokens: 1_048_576,
    max_output_tokens: 8_192,
    prices: usd(0.1, 0.4, 0.025),
  },
  { name: "gemini-2-5", context_tokens: 1_048_576, max_output_tokens: 65_536 },
  {
    name: "gemini-2-5-pro",
    context_tokens: 1_048_576,
    max_output_tokens: 65_536,
    prices: { ...usd(1.25, 10, 0.125), ...beyond(200_000, usd(2.5, 15, 0.25)) },
  },
  {
    name: "gemini-2-5-flash",
    context_tokens: 1_048_576,
    max_output_tokens: 65_536,
    prices: usd(0.3, 2.5, 0.03),
  },
  {
    name: "gemini-2-5-flash-lite",
    context_tokens: 1_048_576,
    max_output_tokens: 65_536,
    prices: usd(0.1, 0.4, 0.01),
  },
  { name: "gemini-3", context_tokens: 1_048_576, max_output_tokens: 65_536 },
  {
    name: "gemini-3-pro",
    context_tokens: 1_048_576,
    max_output_tokens: 65_536,
    prices: { ...usd(2, 12, 0.2), ...beyond(200_000, usd(4, 18, 0.4)) },
  },
  { name: "gemini-3-flash", context_tokens: 1_048_576, max_output_tokens: 65_536, prices: usd(0.5, 3, 0.05) },
  { name: "grok-3", context_tokens: 131_072, prices: usd(3, 15, 0.75), lacks: TEXT_ONLY },
  { name: "grok-3-mini", context_tokens: 131_072, prices: usd(0.3, 0.5, 0.075), lacks: TEXT_ONLY },
  {
    name: "grok-4",
    context_tokens: 256_000,
    prices: { ...usd(3, 15, 0.75), ...beyond(128_000, usd(6, 30, 1.5)) },
  },
  { name: "grok-4-fast", context_tokens: 2_000_000 },
  {
    name: "grok-4-fast-reasoning",
    context_tokens: 2_000_000,
    prices: { ...usd(0.2, 0.5, 0.05), ...beyond(128_000, usd(0.4, 1, 0.05)) },
  },
  {
    name: "grok-4-fast-non-reasoning",
    context_tokens: 2_000_000,
    prices: { ...usd(0.2, 0.5, 0.05), ...beyond(128_000, usd(0.4, 1, 0.05)) },
  },
  { name: "grok-code", context_tokens: 256_000, lacks: TEXT_ONLY },
  { name: "grok-code-fast-1", context_tokens: 256_000, prices: usd(0.2, 1.5, 0.02), lacks: TEXT_ONLY },
];
