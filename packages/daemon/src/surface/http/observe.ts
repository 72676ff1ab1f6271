import type { MiddlewareHandler } from "hono";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { HttpEnv } from "./http-env.ts";
import type { Answered } from "./options.ts";

interface ObserveOptions {
  clock: Clock;
  random: Random;
  logger: Log;
  onAnswer?: (answer: Answered) => void;
}

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Names each request and writes one line about it, with the ids of what an admitted one was about: never its query,
 * its headers or its body.
 */
export function observe({ clock, random, logger, onAnswer }: ObserveOptions): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const startedAt = clock.now();
    const requestId = `req_${random.hex(8)}`;
    c.set("requestId", requestId);
    c.header("x-request-id", requestId);
    await next();
    const line = {
      request_id: requestId,
      ...c.get("about"),
      method: c.req.method,
      route: c.get("route") ?? "unmatched",
      ...(c.get("principal") === undefined ? {} : { principal: c.get("principal") }),
      status: c.res.status,
      duration_ms: clock.now() - startedAt,
    };
    onAnswer?.({
      method: line.method,
      route: line.route,
      status: line.status,
      seconds: line.duration_ms / 1000,
    });
    if (READS.has(c.req.method) && c.res.status < 500) logger.debug(line, "answered a request");
    else logger.info(line, "answered a request");
  };
}
