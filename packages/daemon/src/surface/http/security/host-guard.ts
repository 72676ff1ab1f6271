import { problem } from "@kheish/contract";
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { isLoopbackHost } from "./bind-address.ts";
import { callerOf } from "./caller.ts";
import type { RefusalLog } from "./refusal-log.ts";

/**
 * A daemon without auth trusts what reaches its loopback address. A page whose name was rebound to 127.0.0.1
 * reaches it too, as a same-origin request without Origin, but its Host still carries the page's name.
 * A request without any Host is not a browser's.
 */
export function hostGuard(refusals: RefusalLog): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { host } = c.env.incoming.headers;
    if (host !== undefined && !isLoopbackHost(host.replace(/:\d*$/, ""))) {
      refusals.record(callerOf(c), "origin_not_allowed");
      throw problem(
        "cors",
        "origin_not_allowed",
        "without auth the daemon answers to loopback host names only; configure a token or use 127.0.0.1",
      );
    }
    return next();
  };
}
