import type { ModelError, ModelErrorClass } from "../engine/ports.ts";

/** What one attempt failed with, as the retry loop sees it. */
export interface AttemptError extends ModelError {
  /** The output limit with which the same input would have fitted the context window (02-R45). */
  fitting_output_tokens?: number;
}

const RETRYABLE_CLASSES: ReadonlySet<ModelErrorClass> = new Set([
  "rate_limited",
  "server_overloaded",
  "transport",
]);

/** A failure of `errorClass`; `details` may overrule whether another attempt makes sense. */
export function failure(
  errorClass: ModelErrorClass,
  message: string,
  details: Partial<Omit<AttemptError, "class" | "message">> = {},
): { ok: false; error: AttemptError } {
  return {
    ok: false,
    error: { class: errorClass, message, retryable: RETRYABLE_CLASSES.has(errorClass), ...details },
  };
}

export function cancelled(): { ok: false; error: AttemptError } {
  return failure("cancelled", "The model call was cancelled.");
}

/** What an HTTP status alone says about a failure, the same for every provider. */
export function classOfStatus(status: number): ModelErrorClass {
  if (status === 401 || status === 403) return "auth";
  if (status === 408) return "transport";
  if (status === 413) return "context_window_exceeded";
  if (status === 402 || status === 429) return "rate_limited";
  if (status >= 500) return "server_overloaded";
  if (status >= 400) return "invalid_request";
  return "unknown";
}
