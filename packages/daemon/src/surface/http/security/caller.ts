import { BROWSER_SESSION_HEADER } from "@kheish/contract";
import type { Context } from "hono";
import { type Presented, presentedIn } from "../../../features/browser-sessions/index.ts";
import type { HttpEnv } from "../http-env.ts";
import { isOwnPage } from "./own-page.ts";

/** Who is at the door, as far as the connection and the headers say. */
export interface Caller {
  method: string;
  /** Without the query string, and short: it ends up in the audit. */
  path: string;
  authorization?: string;
  /** Of a browser that stays signed in; never where another page than our own asks. */
  browserSession?: Presented;
  /** Asked by a page that came over TLS. */
  isSecure: boolean;
  /** The client's own, behind proxies that are trusted. */
  remoteAddress?: string;
}

const MAX_AUDITED_PATH = 512;

export function callerOf(c: Context<HttpEnv>): Caller {
  const authorization = c.req.header("authorization");
  const remoteAddress = c.get("clientAddress");
  const origin = c.req.header("origin");
  const isOurs = origin === undefined || isOwnPage(origin, c.req.header("host"));
  const browserSession = isOurs
    ? presentedIn(c.req.header(BROWSER_SESSION_HEADER), c.req.header("cookie"))
    : undefined;
  return {
    method: c.req.method,
    path: c.req.path.slice(0, MAX_AUDITED_PATH),
    isSecure: origin?.startsWith("https://") === true,
    ...(authorization !== undefined && { authorization }),
    ...(browserSession !== undefined && { browserSession }),
    ...(remoteAddress !== undefined && { remoteAddress }),
  };
}
