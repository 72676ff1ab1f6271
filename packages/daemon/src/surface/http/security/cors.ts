import { problem } from "@kheish/contract";
import type { HonoRequest, MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { callerOf } from "./caller.ts";
import type { CorsPolicy } from "./cors-policy.ts";
import { isOwnPage } from "./own-page.ts";
import type { RefusalLog } from "./refusal-log.ts";

const ALLOWED_HEADERS = [
  "authorization",
  "content-type",
  "x-kheish-daemon-token",
  "x-kheish-daemon-url",
  "idempotency-key",
  "last-event-id",
  "if-match",
];
/** What a page may read of an answer beside the headers that browsers always show. */
const EXPOSED_HEADERS = ["x-request-id", "retry-after", "www-authenticate", "allow", "location", "etag"];

const ANSWER_HEADERS = {
  "access-control-allow-methods": "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS",
  "access-control-allow-headers": ALLOWED_HEADERS.join(","),
  "access-control-expose-headers": EXPOSED_HEADERS.join(","),
  "access-control-max-age": "600",
  vary: "origin, access-control-request-method, access-control-request-headers",
};

/** Lets allowed pages in, answers their preflights and refuses every other page (02-R90). */
export function cors(policy: CorsPolicy, refusals: RefusalLog): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const origin = c.req.header("origin");
    if (origin === undefined && isPartOfForeignPage(c.req)) {
      refusals.record(callerOf(c), "origin_not_allowed");
      throw problem("cors", "origin_not_allowed", "no other site's page may have this as a part of itself");
    }
    if (origin === undefined || isOwnPage(origin, c.req.header("host"))) return next();
    if (!policy.allows(origin)) {
      refusals.record(callerOf(c), "origin_not_allowed", { origin: auditedOrigin(origin) });
      throw problem("cors", "origin_not_allowed", "pages of this origin may not use the control plane");
    }
    c.header("access-control-allow-origin", origin);
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) c.header(name, value);
    if (isPreflight(c.req.method, c.req.header("access-control-request-method"))) return c.body(null, 204);
    return next();
  };
}

/**
 * An image or a frame of another site names no origin and is told nothing, but what it asks for would be done: a backup
 * taken, a stream kept open. Browsers say of each request where it comes from; a link that somebody follows is let through.
 */
function isPartOfForeignPage(request: HonoRequest): boolean {
  if (request.header("sec-fetch-site") !== "cross-site") return false;
  const isFollowed =
    request.header("sec-fetch-mode") === "navigate" && request.header("sec-fetch-dest") === "document";
  return !isFollowed && /^\/(?:v1|mcp|metrics)(?:\/|$)/.test(request.path);
}

function isPreflight(method: string, requestedMethod: string | undefined): boolean {
  return method === "OPTIONS" && requestedMethod !== undefined;
}

/** Scheme, host and port only: an origin may carry anything a hostile page puts there. */
function auditedOrigin(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).origin : "malformed";
}
