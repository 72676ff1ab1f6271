import type { Json } from "@kheish/contract";
import type { CallOptions, Keyed } from "./endpoints/types.ts";
import { queryOf } from "./endpoints/url.ts";
import type { Settings } from "./options.ts";
import type { WireRequest } from "./transport/open.ts";
import { type Answer, type SendOptions, send, sendForBody } from "./transport/send.ts";

export interface RawRequest extends CallOptions, Keyed {
  /** Path below the base URL; percent-encode what you put into it. */
  path: string;
  /** Default GET. */
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  body?: Json;
}

/**
 * The way out of the types (05-R93): any request, for endpoints that are newer than this package, and for headers of
 * answers. Refusals are thrown and retried as everywhere: without a key only what reads is sent twice.
 */
export function rawRequest(settings: Settings, request: RawRequest): Promise<Answer> {
  return send(settings, wireOf(request), optionsOf(request));
}

/** The same where the answer is not text: resolves when its body begins, which is the caller's to read. */
export function rawBody(settings: Settings, request: RawRequest): Promise<Response> {
  return sendForBody(settings, wireOf(request), optionsOf(request));
}

function wireOf({
  path,
  method = "GET",
  query,
  body,
  idempotencyKey: key,
  headers,
}: RawRequest): WireRequest {
  return {
    method,
    path: path + queryOf(query),
    headers: { ...(key !== undefined && { "idempotency-key": key }), ...headers },
    body,
  };
}

function optionsOf({
  method = "GET",
  idempotencyKey,
  signal,
  timeoutMs,
  maxRetries,
}: RawRequest): SendOptions {
  const repeatability = method === "GET" || idempotencyKey !== undefined ? "repeatable" : "once";
  return { repeatability, signal, timeoutMs, maxRetries };
}
