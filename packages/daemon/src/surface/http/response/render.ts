import type { Problem } from "@kheish/contract";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Reply } from "../../../features/binding.ts";
import type { HttpEnv } from "../http-env.ts";
import { byteBody } from "./byte-body.ts";

export type FiniteReply = Exclude<Reply, { stream: unknown }>;

export function renderReply(c: Context<HttpEnv>, reply: FiniteReply): Response {
  if ("bytes" in reply) {
    const headers = { "content-type": reply.contentType, ...reply.headers };
    if (c.req.method === "HEAD") {
      // Nobody will read them: whoever makes them hears so now.
      void reply.bytes[Symbol.asyncIterator]().return?.();
      return c.body(null, 200, headers);
    }
    return c.body(
      byteBody(reply.bytes, () => c.env.outgoing.destroy()),
      200,
      headers,
    );
  }
  const [body, type] =
    "json" in reply
      ? [JSON.stringify(reply.json), "application/json"]
      : [reply.text, reply.contentType ?? "text/plain; charset=utf-8"];
  return c.body(body, reply.status as ContentfulStatusCode, { "content-type": type, ...reply.headers });
}

export function renderProblem(c: Context<HttpEnv>, problem: Problem): Response {
  return c.body(JSON.stringify(problem.toDetails()), problem.status as ContentfulStatusCode, {
    ...problem.extras.headers,
    "content-type": "application/problem+json",
  });
}
