import type { ModelErrorClass } from "../../engine/ports.ts";
import { type AttemptError, classOfStatus, failure } from "../failure.ts";
import type { Secret } from "../routes/secret.ts";
import { CutStreamError } from "./assemble.ts";
import { fittingOutputTokens, isContextOverflow } from "./context-overflow.ts";
import { type FailureFacts, readFailure } from "./failure-facts.ts";
import { redact } from "./redact.ts";
import { retryAfterMs } from "./retry-after.ts";

interface Row {
  codes: readonly string[];
  class: ModelErrorClass;
  /** Where another attempt makes less, or more, sense than for the class in general. */
  retryable?: boolean;
}

/**
 * What the providers' own words mean (02-R45); the first row that knows a word decides, before the HTTP status.
 * Words that only repeat the status (`invalid_request_error`, `INVALID_ARGUMENT`) are left to it.
 */
const CODES: readonly Row[] = [
  // OpenAI, xAI and servers like them; llama.cpp; Anthropic's 413.
  {
    codes: [
      "context_length_exceeded",
      "exceed_context_size_error",
      "request_too_large",
      "context_window_exceeded",
    ],
    class: "context_window_exceeded",
  },
  // OpenAI answers 429 to an empty account, Anthropic 400: waiting fills neither.
  {
    codes: ["insufficient_quota", "billing_hard_limit_reached", "billing_error", "insufficient_credits"],
    class: "rate_limited",
    retryable: false,
  },
  // Google answers 400 to a key that it does not know.
  {
    codes: [
      "api_key_invalid",
      "invalid_api_key",
      "authentication_error",
      "permission_error",
      "unauthenticated",
    ],
    class: "auth",
  },
  // Streams of Anthropic and OpenAI fail with a word and no status.
  { codes: ["rate_limit_error", "rate_limit_exceeded", "resource_exhausted"], class: "rate_limited" },
  {
    codes: ["overloaded_error", "server_is_overloaded", "api_error", "server_error", "internal_server_error"],
    class: "server_overloaded",
  },
  {
    codes: ["unavailable", "internal", "deadline_exceeded", "service_unavailable"],
    class: "server_overloaded",
  },
  { codes: ["timeout", "timeout_error"], class: "transport" },
  {
    codes: ["invalid_request_error", "invalid_prompt", "not_found_error", "model_not_found"],
    class: "invalid_request",
  },
];

/** Refused by the SDK before anything was sent: the same request would be refused again. */
const LOCAL_REFUSALS =
  /^AI_(UnsupportedFunctionalityError|InvalidPromptError|InvalidArgumentError|NoSuchModelError)$/;
/** The provider answered with something that is not what its API says. */
const GARBLED_ANSWERS =
  /^AI_(JSONParseError|TypeValidationError|InvalidResponseDataError|NoContentGeneratedError)$/;

export interface ErrorContext {
  driver: string;
  /** The key of this very call; taken out whatever else is known. */
  secret: Secret | undefined;
  /** Takes out every other secret of the daemon (02-R93). */
  redact?: ((text: string) => string) | undefined;
  nowMs: number;
}

/** A failed attempt as the engine understands it. Holds no key. */
export function classify(error: unknown, context: ErrorContext): AttemptError {
  const facts = readFailure(error);
  const row = CODES.find(({ codes }) => facts.codes.some((code) => codes.includes(code)));
  const byWordOrStatus = row?.class ?? classOf(error, facts);
  const overflow = canHideOverflow(byWordOrStatus) && isContextOverflow(facts.message);
  const errorClass = overflow ? "context_window_exceeded" : byWordOrStatus;
  const message = isGarbled(error)
    ? "The provider sent something that its API does not describe."
    : facts.message;
  const fitting = errorClass === "context_window_exceeded" ? fittingOutputTokens(facts.message) : undefined;
  const retryAfter = retryAfterMs(facts.headers, facts.body, context.nowMs);
  return failure(errorClass, describe(message, facts.status, context), {
    ...(facts.status === undefined ? {} : { status: facts.status }),
    ...(row?.retryable === undefined ? {} : { retryable: row.retryable }),
    ...(facts.status === 402 ? { retryable: false } : {}),
    ...(retryAfter === undefined ? {} : { retry_after_ms: retryAfter }),
    ...(fitting === undefined ? {} : { fitting_output_tokens: fitting }),
  }).error;
}

function classOf(error: unknown, facts: FailureFacts): ModelErrorClass {
  if (error instanceof CutStreamError || facts.isNetwork || isGarbled(error)) return "transport";
  if (error instanceof Error && LOCAL_REFUSALS.test(error.name)) return "invalid_request";
  return facts.status === undefined ? "unknown" : classOfStatus(facts.status);
}

/** Most providers report an overflow as an ordinary bad request, in words only. */
function canHideOverflow(errorClass: ModelErrorClass): boolean {
  return errorClass === "invalid_request" || errorClass === "unknown" || errorClass === "server_overloaded";
}

/** The SDK's own message would quote what was sent. */
function isGarbled(error: unknown): boolean {
  return error instanceof Error && GARBLED_ANSWERS.test(error.name);
}

function describe(
  message: string,
  status: number | undefined,
  { driver, secret, redact: redactAll = (text) => text }: ErrorContext,
): string {
  const where = status === undefined ? driver : `${driver}, HTTP ${status}`;
  return `${redact(redactAll(message), secret)} (${where})`;
}
