import { describe, expect, test } from "vitest";
import { answerOf, callThrough, requestOf, testModels } from "../testing/kit.ts";
import { factsOfModel, isOfFamily } from "./index.ts";
import { priceOf, pricesOf } from "./price.ts";
import { FAMILIES, MODELS } from "./rows.ts";

describe("limits", () => {
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
    expect(factsOfModel(model).limits).toEqual(is);
  });
});

describe("prices", () => {
  test.each([
    ["claude-sonnet-4-6", 3_000_000],
    ["anthropic/claude-sonnet-4.6", 3_000_000],
    ["claude-opus-4-1-20250805", 15_000_000],
    ["claude-haiku-4-5-latest", 1_000_000],
    ["gemini-2.5-pro-preview-06-05", 1_250_000],
    ["grok-4-0709", 3_000_000],
  ])("%s is known under each of its spellings", (model, input) => {
    expect(pricesOf({}, model)?.input).toBe(input);
  });

  test.each(["gpt-5-pro", "gpt-5.9", "claude-of-tomorrow", "grok-4-heavy", "llama-7b"])(
    "%s only begins like a model whose price is known: nobody guesses",
    (model) => {
      expect(pricesOf({}, model)).toBeUndefined();
      expect(priceOf({}, model, { input_tokens: 1, output_tokens: 1 })).toBeUndefined();
    },
  );

  test("a call costs its input, its output and what came from the cache, rounded up to a micro-USD", () => {
    const route = { prices: { input: 3_000_000, output: 15_000_000, cached_input: 300_000 } };
    const usage = { input_tokens: 1_000, cached_input_tokens: 900, output_tokens: 10 };
    expect(priceOf(route, "any", usage)).toBe(100 * 3 + 270 + 150);
    expect(priceOf(route, "any", { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 })).toBe(0);
    expect(priceOf({ prices: { input: 1, output: 0 } }, "any", { input_tokens: 1, output_tokens: 0 })).toBe(
      1,
    );
  });

  test("without a price of its own the cache costs as any input", () => {
    const usage = { input_tokens: 10, cached_input_tokens: 10, output_tokens: 0 };
    expect(priceOf({ prices: { input: 2_000_000, output: 0 } }, "any", usage)).toBe(20);
  });

  test("a prompt beyond the long-context mark pays its higher price as a whole", () => {
    const cost = (input_tokens: number) => priceOf({}, "gemini-2.5-pro", { input_tokens, output_tokens: 0 });
    expect([cost(200_000), cost(200_001)]).toEqual([250_000, 500_003]);
  });

  test("02-A8 the route's own prices win over the table's", async () => {
    const { models, clock } = testModels(`[routes.main]
      driver = "simulator"
      [routes.main.prices]
      input = 1_000_000
      output = 2_000_000`);
    const route = { route_id: "main", driver: "simulator", model: "script" };
    const turn = { text: "hi", usage: { input_tokens: 7, output_tokens: 3 } };
    const { outcome } = await callThrough(
      { models, clock },
      requestOf(route, JSON.stringify({ simulate: [turn] })),
    );
    expect(answerOf(outcome).usage).toEqual({ input_tokens: 7, output_tokens: 3, cost_microusd: 13 });
  });
});

describe("families", () => {
  test("02-R29: a family is a row, and the renamed families of OpenAI are among them", () => {
    expect(isOfFamily("openai", "o4-mini")).toBe(true);
    expect(isOfFamily("openai", "claude-sonnet-4-6")).toBe(false);
    expect(isOfFamily("openrouter", "whatever/model")).toBe(true);
  });

  test("every model of the table is of the family of some driver, so that its route takes it", () => {
    const strays = MODELS.filter(({ name }) => !FAMILIES.some(({ names }) => names.test(name)));
    expect(strays).toEqual([]);
  });
});

test("a row that is written twice would hide itself", () => {
  const names = MODELS.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
