import { Json } from "@kheish/contract";
import { z } from "zod";

const Count = z.int().nonnegative();
const Delay = z.number().nonnegative();

const SimulatedToolCall = z.strictObject({
  name: z.string().min(1),
  input: Json,
  id: z.string().min(1).optional(),
});

/** One turn of a script (09, Script). */
export const Turn = z.strictObject({
  text: z.string().default(""),
  reasoning: z.string().optional(),
  tool_calls: z.array(SimulatedToolCall).default([]),
  delay_ms: Delay.default(0),
  chunks: z.int().positive().default(1),
  chunk_delay_ms: Delay.default(0),
  usage: z
    .strictObject({ input_tokens: Count, output_tokens: Count, cached_input_tokens: Count.optional() })
    .optional(),
  error: z
    .strictObject({
      status: z.int().min(400).max(599),
      message: z.string(),
      retryable: z.boolean().optional(),
      times: Count.default(1),
    })
    .optional(),
});
export type Turn = z.output<typeof Turn>;

/** A turn that says `text` and does nothing else. */
export function say(text: string): Turn {
  return { text, tool_calls: [], delay_ms: 0, chunks: 1, chunk_delay_ms: 0 };
}

/** The id of a call that the script did not name (09-S7). */
export function defaultCallId(turn: number, call: number): string {
  return `sim-${turn}-${call}`;
}
