import type { ProblemDetails } from "@kheish/contract";
import { KheishProblem } from "../errors.ts";

const DETAIL_LIMIT = 500;

/** The refusal in an answer: the daemon's problem document, or whatever a proxy in between wrote. */
export function problemOf(response: Response, text: string, nowMs: number): KheishProblem {
  const { status, headers } = response;
  return new KheishProblem(documentOf(status, text), {
    requestId: headers.get("x-request-id") ?? undefined,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), nowMs),
  });
}

function documentOf(status: number, text: string): ProblemDetails {
  const parsed = parsedOrUndefined(text);
  if (isProblem(parsed)) return { ...parsed, status };
  const detail = text.replace(/\s+/g, " ").trim().slice(0, DETAIL_LIMIT) || "no further detail";
  return { type: "about:blank", title: "Not a problem document", status, detail, code: "unknown" };
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is ProblemDetails {
  const { code, detail } = (value ?? {}) as Partial<ProblemDetails>;
  return typeof code === "string" && typeof detail === "string";
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3); undefined when it is neither. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
