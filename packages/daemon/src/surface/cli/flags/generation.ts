import { Json, type ModelGenerationConfig } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { present } from "../present.ts";
import { addJsonPair, readJsonPair } from "./json-pair.ts";
import { decimalNumber, wholeNumber } from "./numbers.ts";

export interface GenerationFlags {
  model?: string;
  fallbackModel?: string;
  temperature?: number;
  maxOutputTokens?: number;
  reasoningEffort?: NonNullable<ModelGenerationConfig["reasoning"]>["effort"];
  reasoningSummary?: NonNullable<ModelGenerationConfig["reasoning"]>["summary"];
  reasoningBudgetTokens?: number;
  reasoningInterleaved?: boolean;
  toolChoice?: "auto" | "none" | "required" | "specific";
  toolName?: string;
  serialTools?: boolean;
  responseFormat?: "text" | "structured-json";
  responseSchemaJson?: string;
  responseSchemaFile?: string;
}

const efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];
const summaries = ["auto", "concise", "detailed", "none"];

export function addGenerationFlags(command: Command): Command {
  command
    .option("--model <selector>", "a model, or <route>/<model>")
    .option("--fallback-model <model>", "what to try when the model cannot be had")
    .option("--temperature <number>", "sampling temperature", decimalNumber())
    .option("--max-output-tokens <n>", "output tokens a turn at most", wholeNumber(1))
    .addOption(new Option("--reasoning-effort <effort>", "how hard to think").choices(efforts))
    .addOption(new Option("--reasoning-summary <kind>", "what to tell of the thinking").choices(summaries))
    .option("--reasoning-budget-tokens <n>", "tokens for thinking at most", wholeNumber(1))
    .option("--reasoning-interleaved", "think between tool calls, too")
    .addOption(
      new Option("--tool-choice <choice>", "whether the model may or must call tools").choices([
        "auto",
        "none",
        "required",
        "specific",
      ]),
    )
    .option("--tool-name <name>", "the tool of --tool-choice specific")
    .option("--serial-tools", "one tool call at a time")
    .addOption(
      new Option("--response-format <format>", "shape of the answer").choices(["text", "structured-json"]),
    );
  return addJsonPair(command, "response-schema", "the schema of a structured answer");
}

/** The flags as the wire has them; undefined when none was given. */
export async function generationFrom(
  flags: GenerationFlags,
  context: CliContext,
): Promise<ModelGenerationConfig | undefined> {
  const config: ModelGenerationConfig = present({
    model: flags.model,
    fallback_model: flags.fallbackModel,
    temperature: flags.temperature,
    max_output_tokens: flags.maxOutputTokens,
    tool_choice: toolChoice(flags),
    allow_parallel_tool_calls: flags.serialTools ? false : undefined,
    reasoning: reasoning(flags),
    response_format: await responseFormat(flags, context),
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

function toolChoice({ toolChoice, toolName }: GenerationFlags): ModelGenerationConfig["tool_choice"] {
  if (toolChoice === "specific") {
    if (toolName === undefined) throw new UsageError("--tool-choice specific needs --tool-name");
    return { type: "specific", tool_name: toolName };
  }
  if (toolName !== undefined) throw new UsageError("--tool-name goes with --tool-choice specific");
  return toolChoice;
}

function reasoning(flags: GenerationFlags): ModelGenerationConfig["reasoning"] {
  const config = present({
    effort: flags.reasoningEffort,
    summary: flags.reasoningSummary,
    budget_tokens: flags.reasoningBudgetTokens,
    interleaved: flags.reasoningInterleaved,
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

async function responseFormat(
  flags: GenerationFlags,
  context: CliContext,
): Promise<ModelGenerationConfig["response_format"]> {
  const source = { json: flags.responseSchemaJson, file: flags.responseSchemaFile };
  const schema = await readJsonPair(source, Json, "response schema", context);
  if (flags.responseFormat === "structured-json") {
    if (schema === undefined)
      throw new UsageError("--response-format structured-json needs a response schema");
    return { type: "structured_json", schema };
  }
  if (schema !== undefined)
    throw new UsageError("a response schema goes with --response-format structured-json");
  return flags.responseFormat && { type: flags.responseFormat };
}
