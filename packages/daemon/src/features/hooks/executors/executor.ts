import type { HookExecutor, HookInput, Json } from "@kheish/contract";
import type { RefusalClass } from "../../../governance/outbound/refused.ts";

/** Why a hook could not be called, in the words of the external-action audit (02-R74). */
export type FailureClass = RefusalClass | "timeout" | "interrupted" | "exit_status" | "internal";

export type Attempt =
  /** What it wrote; an outcome is read out of it. */
  { kind: "text"; text: string } | { kind: "value"; value: Json } | Failed;

export interface Failed {
  kind: "failed";
  class: FailureClass;
  /** For people; holds no command, no URL and no payload. */
  error: string;
  /** Another attempt may go well. */
  retryable: boolean;
  /** What the other side asked us to wait. */
  retryAfterMs?: number;
}

export interface HookCall<T extends HookExecutor["type"] = HookExecutor["type"]> {
  executor: Extract<HookExecutor, { type: T }>;
  input: HookInput;
  /** 32 hex; the same for this hook and invocation in every attempt, also after a restart (03-R50). */
  executionKey: string;
  /** From 1. */
  attempt: number;
  /** Aborts with a `TimeoutError` when its time is up, with another reason when nobody waits any more. */
  signal: AbortSignal;
}

/** Calls one hook once. A failure is an answer; it rejects only on a bug. */
export type HookCaller<T extends HookExecutor["type"]> = (call: HookCall<T>) => Promise<Attempt>;

/** How each kind is called; a kind that is left out cannot be called here. */
export type HookCallers = { [T in HookExecutor["type"]]?: HookCaller<T> };

export function failed(
  kind: FailureClass,
  error: string,
  rest: { retryable: boolean; retryAfterMs?: number } = { retryable: false },
): Failed {
  return { kind: "failed", class: kind, error, ...rest };
}

/** 03-R48, R50. */
export const MAX_ANSWER_BYTES = 128 * 1024;

/** All of a stream, or undefined when it is longer than an answer may be. */
export async function readAnswer(stream: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
