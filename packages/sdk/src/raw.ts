import type { Json } from "@kheish/contract";
import type { CallOptions, Keyed } from "./endpoints/types.ts";
import { queryOf } from "./endpoints/url.ts";
import type { Settings } from "./options.ts";
import { type Answer, send } from "./transport/send.ts";

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
  const { path, method = "GET", query, body, idempotencyKey: key, headers, ...options } = request;
  return send(
    settings,
    {
      method,
      path: path + queryOf(query),
      headers: { ...(key !== undefined && { "idempotency-key": key }), ...headers },
      body,
    },
    { repeatability: method === "GET" || key !== undefined ? "repeatable" : "once", ...options },
  );
}
