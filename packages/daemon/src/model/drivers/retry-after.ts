import { member } from "./failure-facts.ts";

/** How long the provider asks us to wait: OpenAI's header in ms, the standard one, or Google's `RetryInfo`. */
export function retryAfterMs(
  headers: Readonly<Record<string, string>>,
  body: unknown,
  nowMs: number,
): number | undefined {
  return fromMillis(headers["retry-after-ms"]) ?? fromHeader(headers["retry-after"], nowMs) ?? fromBody(body);
}

function fromMillis(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text)) : undefined;
}

/** Seconds, or a date (RFC 9110). */
function fromHeader(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function fromBody(body: unknown): number | undefined {
  const details = member(member(body, "error"), "details") ?? member(body, "details");
  if (!Array.isArray(details)) return undefined;
  for (const detail of details) {
    const delay = member(detail, "retryDelay");
    const match = typeof delay === "string" ? /^(\d+(?:\.\d+)?)s$/.exec(delay) : null;
    if (match !== null) return Math.ceil(Number(match[1]) * 1_000);
  }
  return undefined;
}
