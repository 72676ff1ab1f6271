import { APICallError } from "@ai-sdk/provider";

/** What a provider's error says, whatever shape the SDK gave it. */
export interface FailureFacts {
  message: string;
  status?: number;
  /** Machine-readable words of the body: type, code, status and reasons, lower case. */
  codes: string[];
  headers: Readonly<Record<string, string>>;
  /** The body as JSON, if it was JSON. */
  body: unknown;
  /** No answer came at all, or it broke off. */
  isNetwork: boolean;
}

export function readFailure(error: unknown): FailureFacts {
  if (APICallError.isInstance(error)) {
    const body = unwrap(parse(error.responseBody) ?? error.data);
    const status = error.statusCode;
    // A broken connection has no status; a body that broke off has the status of its good beginning.
    const isNetwork = status === undefined || status < 400;
    return {
      message: bodyMessage(body) ?? error.message,
      ...(isNetwork ? {} : { status }),
      codes: codesIn(body),
      headers: error.responseHeaders ?? {},
      body,
      isNetwork,
    };
  }
  const body = unwrap(error);
  const status = statusIn(body);
  return {
    message: bodyMessage(body) ?? "The provider failed without a word.",
    ...(status === undefined ? {} : { status }),
    codes: error instanceof Error ? [] : codesIn(body),
    headers: {},
    body,
    isNetwork: isNetworkError(error),
  };
}

/** OpenAI's `response.failed` event holds the error one level deeper. */
function unwrap(body: unknown): unknown {
  return member(body, "response") ?? body;
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Error objects of a stream carry the status as a field, or as a numeric code (OpenRouter). */
function statusIn(error: unknown): number | undefined {
  for (const key of ["statusCode", "status", "code"]) {
    const value = Number(member(error, key) ?? Number.NaN);
    if (Number.isInteger(value) && value >= 400 && value <= 599) return value;
  }
  return undefined;
}

/** `error.message` (most), `error` as text (xAI), `message` (streams); OpenRouter adds what the model's host said. */
function bodyMessage(body: unknown): string | undefined {
  const error = member(body, "error");
  const raw = member(member(error, "metadata") ?? member(body, "metadata"), "raw");
  for (const candidate of [member(error, "message"), error, member(body, "message")]) {
    if (typeof candidate !== "string" || candidate === "") continue;
    return typeof raw === "string" ? `${candidate}: ${raw}` : candidate;
  }
  return undefined;
}

const CODE_KEYS = ["type", "code", "status", "reason"];

/** Words under the code keys of the body, its `error`, and Google's `error.details[]`. */
function codesIn(body: unknown): string[] {
  const error = member(body, "error");
  const details = member(error, "details") ?? member(body, "details");
  const places = [body, error, ...(Array.isArray(details) ? details : [details])];
  return places.flatMap((place) =>
    CODE_KEYS.flatMap((key) => {
      const value = member(place, key);
      return typeof value === "string" ? [value.toLowerCase()] : [];
    }),
  );
}

const NETWORK_CODES = /^(E[A-Z]{4,}|UND_ERR_[A-Z_]+)$/;

function isNetworkError(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = member(current, "code");
    if (
      current.name === "AI_EmptyResponseBodyError" ||
      (typeof code === "string" && NETWORK_CODES.test(code))
    ) {
      return true;
    }
  }
  return false;
}

export function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
