import { isProblem, problem } from "@kheish/contract";
import type { Context } from "hono";
import type { Binding, BoundRequest } from "../../../features/binding.ts";
import type { Log } from "../../../kernel/log.ts";
import type { HttpEnv } from "../http-env.ts";
import { eventBody } from "./event-body.ts";
import { SSE_HEADERS } from "./frame.ts";
import type { Pace } from "./paced-frames.ts";
import type { StreamPlaces } from "./stream-places.ts";

interface EventStreamsOptions extends Pace {
  places: StreamPlaces;
  logger: Log;
}

/** Answers SSE endpoints. Until the binding has returned its stream a failure is an ordinary problem. */
export class EventStreams {
  readonly #options: EventStreamsOptions;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  async serve(c: Context<HttpEnv>, request: BoundRequest, handle: Binding["handle"]): Promise<Response> {
    const { places, clock, heartbeatMs, logger } = this.#options;
    const place = places.take(request.principal);
    request.signal.addEventListener("abort", place.leave, { once: true });
    if (request.signal.aborted) place.leave();
    try {
      const reply = await handle({ ...request, signal: place.signal });
      if (!("stream" in reply)) throw new Error(`endpoint ${c.get("route")} must answer with a stream`);
      const body = eventBody(reply.stream, place, {
        clock,
        heartbeatMs,
        onError: (error) =>
          logger.error({ err: error, request_id: c.get("requestId") }, "an event stream broke"),
      });
      if (c.req.method !== "HEAD") return c.body(body, 200, SSE_HEADERS);
      await body.cancel();
      return c.body(null, 200, SSE_HEADERS);
    } catch (error) {
      const interrupted = place.signal.aborted && !isProblem(error);
      place.leave();
      if (interrupted) throw problem("readiness", "daemon_draining", "the stream ended before it began");
      throw error;
    }
  }
}
