import type { Context } from "hono";
import type { HttpEnv } from "../http-env.ts";

/** Who is at the door, as far as the connection and the headers say. */
export interface Caller {
  method: string;
  /** Without the query string, and short: it ends up in the audit. */
  path: string;
  authorization?: string;
  /** The client's own, behind proxies that are trusted. */
  remoteAddress?: string;
}

const MAX_AUDITED_PATH = 512;

export function callerOf(c: Context<HttpEnv>): Caller {
  const authorization = c.req.header("authorization");
  const remoteAddress = c.get("clientAddress");
  return {
    method: c.req.method,
    path: c.req.path.slice(0, MAX_AUDITED_PATH),
    ...(authorization !== undefined && { authorization }),
    ...(remoteAddress !== undefined && { remoteAddress }),
  };
}
