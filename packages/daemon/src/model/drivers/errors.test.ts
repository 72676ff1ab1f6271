import { APICallError, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type { Json } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { Secret } from "../routes/secret.ts";
import { CutStreamError } from "./assemble.ts";
import { classify } from "./errors.ts";

const KEY = "my-secret-key-42";
const NOW = Date.UTC(2026, 0, 1);
const classOf = (error: unknown) => classify(error, { driver: "test", secret: new Secret(KEY), nowMs: NOW });

function apiError(statusCode: number | undefined, body: Json, responseHeaders: Record<string, string> = {}) {
  return new APICallError({
    message: "as the SDK says",
    url: "http://provider.test/v1",
    requestBodyValues: {},
    responseHeaders,
    responseBody: JSON.stringify(body),
    ...(statusCode === undefined ? {} : { statusCode }),
  });
}
const says = (message: string, more: Record<string, Json> = {}): Json => ({ error: { message, ...more } });

describe("classes", () => {
  test.each<{ what: string; error: unknown; is: object }>([
    { what: "401", error: apiError(401, says("x")), is: { class: "auth", retryable: false } },
    { what: "403", error: apiError(403, says("x")), is: { class: "auth", retryable: false } },
    { what: "404", error: apiError(404, says("x")), is: { class: "invalid_request", retryable: false } },
    { what: "408", error: apiError(408, says("x")), is: { class: "transport", retryable: true } },
    {
      what: "413",
      error: apiError(413, says("x")),
      is: { class: "context_window_exceeded", retryable: false },
    },
    { what: "429", error: apiError(429, says("x")), is: { class: "rate_limited", retryable: true } },
    { what: "402", error: apiError(402, says("x")), is: { class: "rate_limited", retryable: false } },
    { what: "500", error: apiError(500, says("x")), is: { class: "server_overloaded", retryable: true } },
    { what: "529", error: apiError(529, says("x")), is: { class: "server_overloaded", retryable: true } },
    {
      what: "an empty OpenAI account",
      error: apiError(429, says("x", { code: "insufficient_quota" })),
      is: { class: "rate_limited", retryable: false },
    },
    {
      what: "an empty Anthropic account",
      error: apiError(400, { type: "error", error: { type: "billing_error", message: "x" } }),
      is: { class: "rate_limited", retryable: false },
    },
    {
      what: "OpenAI's code for an overflow",
      error: apiError(400, says("x", { code: "context_length_exceeded" })),
      is: { class: "context_window_exceeded", retryable: false },
    },
    {
      what: "xAI's error as text",
      error: apiError(400, {
        code: "bad",
        error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
      }),
      is: { class: "context_window_exceeded" },
    },
    {
      what: "an overflow reported by OpenRouter's host",
      error: apiError(
        400,
        says("Provider returned error", {
          code: 400,
          metadata: { raw: "Input is too long for requested model." },
        }),
      ),
      is: { class: "context_window_exceeded" },
    },
    {
      what: "an error object of OpenRouter's stream",
      error: { message: "x", code: 502 },
      is: { class: "server_overloaded", status: 502 },
    },
    {
      what: "an error object of Anthropic's stream",
      error: { message: "x", type: "rate_limit_error" },
      is: { class: "rate_limited", retryable: true },
    },
    { what: "no connection", error: apiError(undefined, {}), is: { class: "transport", retryable: true } },
    { what: "a body that broke off", error: apiError(200, {}), is: { class: "transport", retryable: true } },
    {
      what: "a socket that was reset",
      error: new Error("outer", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) }),
      is: { class: "transport", retryable: true },
    },
    { what: "a cut stream", error: new CutStreamError("cut"), is: { class: "transport", retryable: true } },
    {
      what: "what the SDK refuses itself",
      error: new UnsupportedFunctionalityError({ functionality: "tea" }),
      is: { class: "invalid_request", retryable: false },
    },
    { what: "anything else", error: new Error("?"), is: { class: "unknown", retryable: false } },
    { what: "not even an error", error: undefined, is: { class: "unknown", retryable: false } },
  ])("02-R45: $what", ({ error, is }) => {
    expect(classOf(error)).toMatchObject(is);
  });

  test.each([
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens`",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "the request exceeds the available context size, try increasing it",
    "Trying to keep the first 9000 tokens when context the overflows. The number of tokens to keep from the initial prompt is greater than the context length.",
    "Please reduce the length of the messages or completion.",
  ])("01-R85: an overflow in the words: %s", (message) => {
    expect(classOf(apiError(400, says(message))).class).toBe("context_window_exceeded");
  });

  test("01-R85: words of an overflow do not turn a refused key into one", () => {
    expect(classOf(apiError(401, says("prompt is too long"))).class).toBe("auth");
  });
});

describe("output limits that fit", () => {
  test.each([
    { fits: 9_000, message: "exceed context limit: 190000 + 20000 > 200000, decrease" },
    {
      fits: 2_192,
      message:
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (5000 in the messages, 4000 in the completion).",
    },
    {
      fits: 7_000,
      message:
        "maximum context length is 128000 tokens. However, you requested about 135000 tokens (120000 of text input, 15000 in the output)",
    },
    {
      fits: 3_192,
      message:
        "'max_tokens' is too large: 5000. This model's maximum context length is 8192 tokens and your request has 4000 input tokens",
    },
    { fits: undefined, message: "exceed context limit: 199500 + 20000 > 200000" },
    { fits: undefined, message: "prompt is too long: 210000 tokens > 200000 maximum" },
  ])("02-R45: $fits", ({ message, fits }) => {
    expect(classOf(apiError(400, says(message))).fitting_output_tokens).toBe(fits);
  });
});

describe("waiting", () => {
  test.each<{ headers: Record<string, string>; ms: number | undefined }>([
    { headers: { "retry-after": "7" }, ms: 7_000 },
    { headers: { "retry-after": "0.2" }, ms: 200 },
    { headers: { "retry-after-ms": "1500", "retry-after": "2" }, ms: 1_500 },
    { headers: { "retry-after": new Date(NOW + 5_000).toUTCString() }, ms: 5_000 },
    { headers: { "retry-after": new Date(NOW - 5_000).toUTCString() }, ms: 0 },
    { headers: { "retry-after": "soon" }, ms: undefined },
    { headers: {}, ms: undefined },
  ])("02-R45: $headers", ({ headers, ms }) => {
    expect(classOf(apiError(429, says("x"), headers)).retry_after_ms).toBe(ms);
  });
});

describe("messages", () => {
  test.each([
    { text: `Incorrect API key provided: ${KEY}.`, shown: "Incorrect API key provided: <redacted>." },
    { text: "Key sk-proj-abc***xyz is no good", shown: "Key <redacted> is no good" },
    { text: "Authorization: Bearer abc.def.ghi", shown: "Authorization: <redacted>" },
  ])("hold no key: $shown", ({ text, shown }) => {
    expect(classOf(apiError(400, says(text))).message).toBe(`${shown} (test, HTTP 400)`);
  });

  test("are no longer than a message should be", () => {
    expect(classOf(apiError(400, says("x".repeat(5_000)))).message.length).toBeLessThan(1_050);
  });

  test("do not quote what a garbled answer held", () => {
    const garbled = Object.assign(new Error("Value: {secret}"), { name: "AI_TypeValidationError" });
    expect(classOf(garbled)).toMatchObject({
      class: "transport",
      message: "The provider sent something that its API does not describe. (test)",
    });
  });
});
