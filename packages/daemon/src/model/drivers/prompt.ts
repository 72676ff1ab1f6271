import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import type { Json, JsonObject } from "@kheish/contract";
import type {
  AssistantMessage,
  AssistantPart,
  Message,
  ToolResult,
  UserPart,
} from "../../engine/messages.ts";
import { type FileBytes, isText } from "./files.ts";

export interface PromptTarget {
  route_id: string;
  model: string;
  /** Bytes of the files that the model is shown; what is missing is only described. */
  files: FileBytes;
  plainCallIds?: boolean | undefined;
}

type Content<R extends LanguageModelV4Message["role"]> = Extract<
  LanguageModelV4Message,
  { role: R }
>["content"];

/** The canonical conversation as the SDK's prompt. Pure: the same conversation is the same prompt, byte by byte. */
export function toPrompt(
  system: string,
  messages: readonly Message[],
  target: PromptTarget,
): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = system === "" ? [] : [{ role: "system", content: system }];
  for (const message of messages) {
    const translated = translate(message, target);
    if (translated.content.length > 0) prompt.push(translated);
  }
  return prompt;
}

function translate(message: Message, target: PromptTarget): LanguageModelV4Message {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.parts.flatMap((part) => userContent(part, target.files)) };
    case "assistant":
      return { role: "assistant", content: assistantContent(message, target) };
    case "tool":
      return { role: "tool", content: message.results.map((result) => toolContent(result, target)) };
  }
}

function userContent(part: UserPart, files: FileBytes): Content<"user"> {
  if (part.type === "text") return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }];
  const { file_name, media_type, size_bytes } = part;
  const data = files.get(part.sha256);
  if (data === undefined) {
    const text = `[Attached file ${file_name} (${media_type}, ${size_bytes} bytes), which cannot be shown here.]`;
    return [{ type: "text", text }];
  }
  if (isText(media_type)) {
    return [{ type: "text", text: `[Attached file ${file_name}]\n${new TextDecoder().decode(data)}` }];
  }
  return [{ type: "file", mediaType: media_type, filename: file_name, data: { type: "data", data } }];
}

/**
 * What a provider attached to its answer goes back to that provider and model only: signatures and encrypted
 * reasoning mean nothing to others, and some refuse them.
 */
function assistantContent(message: AssistantMessage, target: PromptTarget): Content<"assistant"> {
  const own = message.route_id === target.route_id && message.model === target.model;
  return message.parts.flatMap((part): Content<"assistant"> => {
    const options = own ? optionsOf(part.provider_metadata) : {};
    if (part.type === "tool_call") {
      const { id, name, input } = part;
      const toolCallId = callId(id, target);
      return [{ type: "tool-call", toolCallId, toolName: name, input: callInput(input), ...options }];
    }
    if (!isWorthShowing(part, own)) return [];
    return [{ type: part.type, text: part.text, ...options }];
  });
}

/** Providers refuse blank text, except where it carries a signature of theirs. */
function isWorthShowing(part: Exclude<AssistantPart, { type: "tool_call" }>, own: boolean): boolean {
  if (part.type === "reasoning" && !own) return false;
  return part.text.trim() !== "" || (own && part.provider_metadata !== undefined);
}

/** Providers demand an object; what a model once sent instead is shown inside one. */
function callInput(input: Json): JsonObject {
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return input;
  return { invalid_input: input };
}

function toolContent(result: ToolResult, target: PromptTarget): Content<"tool">[number] {
  const toolCallId = callId(result.call_id, target);
  return { type: "tool-result", toolCallId, toolName: result.tool_name, output: outputOf(result) };
}

function callId(id: string, { plainCallIds }: PromptTarget): string {
  return plainCallIds === true ? id.replace(/[^a-zA-Z0-9_-]/g, "_") : id;
}

function outputOf({ output: own, is_error, hook_contexts }: ToolResult): LanguageModelV4ToolResultOutput {
  const output = hook_contexts === undefined ? own : { output: own, hook_contexts };
  if (typeof output === "string") return { type: is_error ? "error-text" : "text", value: output };
  return { type: is_error ? "error-json" : "json", value: output };
}

function optionsOf(metadata: JsonObject | undefined): { providerOptions?: SharedV4ProviderOptions } {
  if (metadata === undefined) return {};
  const providerOptions: SharedV4ProviderOptions = {};
  for (const [provider, value] of Object.entries(metadata)) {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      providerOptions[provider] = value;
  }
  return { providerOptions };
}
