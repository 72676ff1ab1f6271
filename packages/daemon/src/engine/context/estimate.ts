import type { Json } from "@kheish/contract";
import type { Message } from "../messages.ts";
import type { Entry } from "../state.ts";

const TOKENS_PER_BYTE = 0.285;
const PADDING = 4 / 3;
/** What a file part is taken to cost: providers bill images and documents by their own rules. */
const FILE_TOKENS = 1_500;

/** ceil(0.285 x UTF-8 bytes) (01-R82). */
export function estimateText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) * TOKENS_PER_BYTE);
}

/** A text is itself, everything else its JSON. */
export function textOfJson(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function bytesOf(value: Json): number {
  return Buffer.byteLength(textOfJson(value));
}

export function estimateJson(value: Json): number {
  return estimateText(textOfJson(value));
}

/** The plain estimate of one message, before padding. */
export function estimateMessage(message: Message): number {
  if (message.role === "tool") {
    return message.results.reduce(
      (sum, { output, hook_contexts = [] }) =>
        sum + estimateJson(output) + hook_contexts.reduce((all, text) => all + estimateText(text), 0),
      0,
    );
  }
  let tokens = 0;
  for (const part of message.parts) {
    if (part.type === "tool_call") tokens += estimateJson(part.input) + estimateText(part.name);
    else if (part.type === "file") tokens += FILE_TOKENS;
    else tokens += estimateText(part.text);
  }
  return tokens;
}

/** Sum of the entries' estimates x 4/3 (01-R82). */
export function paddedTokens(entries: readonly Entry[]): number {
  return Math.ceil(entries.reduce((sum, entry) => sum + entry.tokens, 0) * PADDING);
}

/**
 * The calibrated size of the prompt: what the provider last reported plus estimates of what came after;
 * estimates alone when nothing visible carries usage (01-R82). Usage from before `sinceSeq`, the newest checkpoint,
 * measured a prompt that is gone.
 */
export function calibratedTokens(entries: readonly Entry[], sinceSeq: number): number {
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (entry === undefined || entry.seq <= sinceSeq) break;
    const { message } = entry;
    if (message.role !== "assistant" || message.usage === undefined) continue;
    return message.usage.input_tokens + message.usage.output_tokens + paddedTokens(entries.slice(index + 1));
  }
  return paddedTokens(entries);
}
