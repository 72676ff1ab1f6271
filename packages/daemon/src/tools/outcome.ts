import type { Json, JsonObject } from "@kheish/contract";
import type { ToolOutcome } from "../engine/ports.ts";

type Result = Extract<ToolOutcome, { kind: "result" }>;

/** A result, with what else it changed. */
export function success(output: Json, effects: Pick<Result, "context_updates" | "state"> = {}): Result {
  return { kind: "result", output, is_error: false, ...effects };
}

/** An error result: `error` in words, and what a model can compute with. */
export function failure(message: string, details: JsonObject = {}): Result {
  return { kind: "result", output: { error: message, ...details }, is_error: true };
}
