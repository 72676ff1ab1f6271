import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Answers are data, not pages: nothing may sniff, frame, run, embed or keep them. A reply may say otherwise. */
const HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export const responseHeaders: MiddlewareHandler<HttpEnv> = async (c, next) => {
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  return next();
};
