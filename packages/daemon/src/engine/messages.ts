import type { Json, JsonObject } from "@kheish/contract";

/**
 * The canonical conversation: what the journal stores and every model driver translates from.
 * Each message, reasoning block and tool output stands in the journal once.
 */
export type Message = UserMessage | AssistantMessage | ToolMessage;

export type UserPart =
  | { type: "text"; text: string }
  /** Bytes live in the blob store under `sha256`. */
  | { type: "file"; sha256: string; media_type: string; file_name: string; size_bytes: number };

export interface UserMessage {
  role: "user";
  id: string;
  parts: UserPart[];
  /** What the daemon itself put in: a nudge, a resume notice. Never shown as the caller's words. */
  synthetic?: boolean;
  /** Its text is the canonical JSON of a value that the session's input contract admitted (01-R33). */
  structured?: true;
}

export type AssistantPart =
  | { type: "text"; text: string; provider_metadata?: JsonObject }
  | { type: "reasoning"; text: string; provider_metadata?: JsonObject }
  | ({ type: "tool_call"; provider_metadata?: JsonObject } & ToolCall);

/** One request of the model for an effect. `id` is unique within its run. */
export interface ToolCall {
  id: string;
  name: string;
  input: Json;
}

export interface AssistantMessage {
  role: "assistant";
  id: string;
  parts: AssistantPart[];
  route_id: string;
  model: string;
  finish_reason: FinishReason;
  usage?: Usage;
  /** The provider's id of this response, for continuation (01-R84). */
  provider_response_id?: string;
}

/** `length`: cut at the output limit. `content_filter`: refused by the provider. */
export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter" | "other";

/** Tokens as the provider reported them. `cached_input_tokens` are part of `input_tokens`. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens?: number;
  /** What the call cost, in micro-USD; absent when its price is not known. */
  cost_microusd?: number;
}

export interface ToolMessage {
  role: "tool";
  results: ToolResult[];
}

export interface ToolResult {
  call_id: string;
  tool_name: string;
  output: Json;
  is_error: boolean;
  /** What hooks had to say about the call (03, ToolResult). */
  hook_contexts?: string[];
}

export function toolCallsOf(message: AssistantMessage): ToolCall[] {
  return message.parts.flatMap((part) =>
    part.type === "tool_call" ? [{ id: part.id, name: part.name, input: part.input }] : [],
  );
}

export function textOf(message: AssistantMessage | UserMessage): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
}
