import type { ModelError } from "../ports.ts";

const PASSING_CLIENT_ERRORS = [408, 409, 429];

/** Whether a model call that failed may go well another time (01-R70). */
export function mayPass({ class: kind, status, retryable }: ModelError): boolean {
  const refused =
    status !== undefined && status >= 400 && status < 500 && !PASSING_CLIENT_ERRORS.includes(status);
  return retryable && !refused && kind !== "context_window_exceeded";
}
