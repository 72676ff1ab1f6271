import { createHash } from "node:crypto";
import type { Json } from "@kheish/contract";
import canonicalize from "canonicalize";
import type { RunLimits } from "./limits.ts";
import type { CallState } from "./state.ts";

/**
 * The effect ledger: intended -> dispatched -> settled | failed | unknown -> reconciled.
 * `message_appended` is the intent of its calls, `tool_call_started` the dispatch, `tool_call_finished` the outcome;
 * all are written by commits the run makes anyway, before the effect leaves.
 */

/**
 * RFC 8785 text of a value: equal values, equal text. The standard knows no half of a surrogate pair, models send
 * them all the same: each counts as U+FFFD.
 */
export function canonical(value: Json): string {
  const text = canonicalize(wellFormed(value));
  if (text === undefined) throw new TypeError("value has no canonical JSON form");
  return text;
}

function wellFormed(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.toWellFormed(), wellFormed(member)]),
  );
}

export function digest(value: Json): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/** Derives from run, call position and canonical arguments; the same for every attempt, never from model text. */
export function idempotencyKey(call: {
  run_id: string;
  message_seq: number;
  index: number;
  tool_name: string;
  input: Json;
}): string {
  return `kheish-${digest([call.run_id, call.message_seq, call.index, call.tool_name, call.input])}`;
}

/** What to do about a call whose outcome died with its process. */
export type RecoveryPlan = "run_again" | "read_back" | "give_up" | "surface";

/** Pure: the class decides, the number of attempts bounds. */
export function planRecovery(
  call: CallState,
  tool: { canReadBack: boolean } | undefined,
  limits: RunLimits,
): RecoveryPlan {
  if (call.effect === "once") return tool?.canReadBack === true ? "read_back" : "surface";
  return call.attempt < limits.maxAttempts ? "run_again" : "give_up";
}

/** What the model is told about an effect that may or may not have happened. */
export function unknownOutcome(call: CallState, detail?: string): Json {
  return {
    error: "interrupted, outcome unknown",
    interrupted: true,
    outcome: "unknown",
    tool: call.call.name,
    attempts: call.attempt,
    detail:
      detail ??
      "This call was cut off while it was running: the daemon, or what it called, stopped. It may have taken effect in part, in full or not at all; it was not repeated. Check before you try again.",
  };
}
