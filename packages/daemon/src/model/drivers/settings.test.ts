import type { Json, ModelGenerationConfig } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Message } from "../../engine/messages.ts";
import { limitsOf } from "../routes/model-facts.ts";
import { NOTE, requestOf } from "../testing/kit.ts";
import { type ProviderName, QUIRKS } from "./quirks.ts";
import { toSettings } from "./settings.ts";
import { isStrictSchema } from "./strict-schema.ts";

function settingsOf(driver: ProviderName, generation: ModelGenerationConfig, model = "some-model") {
  const request = requestOf({ route_id: "main", driver, model }, "go", { generation, tools: [NOTE] });
  return toSettings(request, QUIRKS[driver], limitsOf({}, request.model));
}

describe("toSettings", () => {
  test.each<{ driver: ProviderName; generation: ModelGenerationConfig; is: object }>([
    {
      driver: "openai",
      generation: { temperature: 0.5, max_output_tokens: 9 },
      is: { temperature: 0.5, maxOutputTokens: 9 },
    },
    { driver: "openai", generation: { tool_choice: "required" }, is: { toolChoice: { type: "required" } } },
    {
      driver: "google",
      generation: { tool_choice: { type: "specific", tool_name: "note" } },
      is: { toolChoice: { type: "tool", toolName: "note" } },
    },
    {
      driver: "openai",
      generation: { reasoning: { effort: "xhigh", summary: "none" } },
      is: { reasoning: "xhigh", providerOptions: { openai: { store: false, reasoningSummary: null } } },
    },
    {
      driver: "anthropic",
      generation: { reasoning: { budget_tokens: 2_048, interleaved: true } },
      is: {
        providerOptions: {
          anthropic: {
            thinking: { type: "enabled", budgetTokens: 2_048 },
            anthropicBeta: ["interleaved-thinking-2025-05-14"],
          },
        },
      },
    },
    {
      driver: "google",
      generation: { reasoning: { effort: "low" } },
      is: { reasoning: "low", providerOptions: { google: { thinkingConfig: { includeThoughts: true } } } },
    },
    {
      driver: "google",
      generation: { reasoning: { effort: "none" } },
      is: { providerOptions: { google: {} } },
    },
    {
      driver: "openrouter",
      generation: { reasoning: { effort: "low", budget_tokens: 99 } },
      is: { providerOptions: { openrouter: { reasoning: { max_tokens: 99 } } } },
    },
    {
      driver: "openai_compatible",
      generation: { allow_parallel_tool_calls: false },
      is: { providerOptions: { openaiCompatible: { parallel_tool_calls: false } } },
    },
    {
      driver: "anthropic",
      generation: { allow_parallel_tool_calls: false },
      is: { providerOptions: { anthropic: { disableParallelToolUse: true } } },
    },
  ])("$driver: $generation", ({ driver, generation, is }) => {
    expect(settingsOf(driver, generation)).toMatchObject(is);
  });

  test("openrouter takes its effort as an option only", () => {
    expect(settingsOf("openrouter", { reasoning: { effort: "low" } })).not.toHaveProperty("reasoning");
  });

  test("anthropic always gets the output limit of a known model", () => {
    expect(settingsOf("anthropic", {}, "claude-haiku-4-5").maxOutputTokens).toBe(64_000);
    expect(settingsOf("anthropic", {}, "unknown")).not.toHaveProperty("maxOutputTokens");
    expect(settingsOf("openai", {}, "gpt-5.4")).not.toHaveProperty("maxOutputTokens");
  });

  test.each<{ driver: ProviderName; declares: boolean }>([
    { driver: "anthropic", declares: true },
    { driver: "openrouter", declares: true },
    { driver: "openai", declares: false },
  ])("$driver declares past tools where none may be called: $declares", ({ driver, declares }) => {
    const called: Message = {
      role: "assistant",
      id: "a1",
      parts: [1, 2].map((n) => ({ type: "tool_call", id: `c${n}`, name: "note", input: {} })),
      route_id: "main",
      model: "m",
      finish_reason: "tool_calls",
    };
    const request = requestOf({ route_id: "main", driver, model: "m" }, [called], { kind: "compaction" });
    const { tools, toolChoice } = toSettings(request, QUIRKS[driver], {});
    expect(tools?.map(({ name }) => name)).toEqual(declares ? ["note"] : undefined);
    expect(toolChoice).toEqual(declares ? { type: "none" } : undefined);
  });

  test("a schema that strict mode refuses is followed loosely", () => {
    const schema = (closed: boolean): Json => ({
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      ...(closed ? { additionalProperties: false } : {}),
    });
    const optionsOf = (closed: boolean) =>
      settingsOf("openai", { response_format: { type: "structured_json", schema: schema(closed) } });
    expect(optionsOf(true).providerOptions).toEqual({ openai: { store: false } });
    expect(optionsOf(false).providerOptions).toEqual({ openai: { store: false, strictJsonSchema: false } });
    expect(optionsOf(true).responseFormat).toEqual({ type: "json", schema: schema(true) });
  });
});

describe("isStrictSchema", () => {
  const closed = (properties: Record<string, Json>, required: string[]): Json => ({
    type: "object",
    properties,
    required,
    additionalProperties: false,
  });
  test.each<{ schema: Json; is: boolean }>([
    { schema: { type: "string" }, is: true },
    { schema: closed({ a: { type: "string" } }, ["a"]), is: true },
    { schema: closed({ a: { type: "string" } }, []), is: false },
    { schema: closed({ a: closed({ b: {} }, ["b"]) }, ["a"]), is: true },
    { schema: closed({ a: { type: "object", properties: {} } }, ["a"]), is: false },
    { schema: { anyOf: [closed({ a: {} }, ["a"]), closed({ b: {} }, [])] }, is: false },
  ])("$schema is strict: $is", ({ schema, is }) => {
    expect(isStrictSchema(schema)).toBe(is);
  });
});
