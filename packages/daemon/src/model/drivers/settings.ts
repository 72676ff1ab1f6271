import type {
  JSONSchema7,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4ToolChoice,
} from "@ai-sdk/provider";
import type { Json, JsonObject, ModelGenerationConfig } from "@kheish/contract";
import { toolCallsOf } from "../../engine/messages.ts";
import type { ModelLimits, ModelRequest, ToolSpec } from "../../engine/ports.ts";
import type { Quirks } from "./quirks.ts";
import { isStrictSchema } from "./strict-schema.ts";

type Settings = Omit<LanguageModelV4CallOptions, "prompt" | "abortSignal">;

/** What providers call it; the SDK wants to be told. */
const WEB_SEARCH = "web_search";

/** Tools and generation settings of a request in the SDK's words. */
export function toSettings(request: ModelRequest, quirks: Quirks, limits: ModelLimits): Settings {
  const { generation, tools } = request;
  const maxOutputTokens =
    generation.max_output_tokens ?? (quirks.needsOutputLimit ? limits.max_output_tokens : undefined);
  const effort = quirks.mapsEffort ? generation.reasoning?.effort : undefined;
  const settings: Settings = {
    providerOptions: { [quirks.namespace]: providerOptions(generation, quirks) },
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(generation.temperature === undefined ? {} : { temperature: generation.temperature }),
    ...(effort === undefined ? {} : { reasoning: effort }),
  };
  const pastTools = tools.length === 0 && quirks.declaresPastTools ? toolsCalledIn(request) : [];
  const search = request.search === undefined ? undefined : quirks.search?.(request.search);
  if (search !== undefined) {
    settings.tools = [{ type: "provider", name: WEB_SEARCH, ...search }];
  } else if (tools.length > 0) {
    settings.tools = tools.map((tool) => declare(tool, quirks));
    if (generation.tool_choice !== undefined) settings.toolChoice = toolChoice(generation.tool_choice);
  } else if (pastTools.length > 0) {
    settings.tools = pastTools.map((tool) => declare(tool, quirks));
    settings.toolChoice = { type: "none" };
  }
  if (generation.response_format?.type === "structured_json") {
    settings.responseFormat = { type: "json", schema: toSchema(generation.response_format.schema) };
  }
  return settings;
}

function declare({ name, description, input_schema }: ToolSpec, quirks: Quirks): LanguageModelV4FunctionTool {
  return {
    type: "function",
    name,
    description,
    inputSchema: toSchema(input_schema),
    ...(quirks.toolsAreStrictByDefault ? { strict: false } : {}),
  };
}

function toolsCalledIn({ messages }: ModelRequest): ToolSpec[] {
  const names = messages.flatMap((message) =>
    message.role === "assistant" ? toolCallsOf(message).map(({ name }) => name) : [],
  );
  return [...new Set(names)].map((name) => ({ name, description: "", input_schema: { type: "object" } }));
}

function providerOptions(generation: ModelGenerationConfig, quirks: Quirks): JsonObject {
  const { reasoning, response_format, allow_parallel_tool_calls } = generation;
  const isLoose = response_format?.type === "structured_json" && !isStrictSchema(response_format.schema);
  return {
    ...quirks.always,
    ...(allow_parallel_tool_calls === false ? quirks.oneCallAtATime : {}),
    ...(isLoose ? quirks.looseSchema : {}),
    ...(reasoning === undefined ? {} : quirks.reasoning(reasoning)),
  };
}

function toolChoice(choice: NonNullable<ModelGenerationConfig["tool_choice"]>): LanguageModelV4ToolChoice {
  return typeof choice === "string" ? { type: choice } : { type: "tool", toolName: choice.tool_name };
}

/** What the caller calls a JSON Schema is passed on as one; the provider is the judge of it. */
function toSchema(schema: Json): JSONSchema7 {
  return schema as JSONSchema7;
}
