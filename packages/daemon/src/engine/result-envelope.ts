import type { Json } from "@kheish/contract";
import { textOfJson } from "./context/estimate.ts";
import type { ToolResult } from "./messages.ts";
import type { ContextUpdate } from "./ports.ts";

/** What a result is beside its output: whose it is, what came with it, and what hooks had to say (03-R3). In bytes. */
export function bytesAroundOutput(
  { call_id, tool_name, is_error }: Pick<ToolResult, "call_id" | "tool_name" | "is_error">,
  context_updates: readonly ContextUpdate[] = [],
  hook_contexts: readonly string[] = [],
): number {
  const around = { call_id, tool_name, is_error, context_updates, hook_contexts };
  return Buffer.byteLength(textOfJson(around as unknown as Json));
}
