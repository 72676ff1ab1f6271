import type { Context } from "hono";
import type { BoundRequest, Principal } from "../../../features/binding.ts";
import type { HttpEnv } from "../http-env.ts";
import { requestTarget } from "../routing/request-target.ts";
import type { Route } from "../routing/route-table.ts";
import { readBody } from "./body.ts";
import { readQuery } from "./query.ts";

/** What the binding gets to see: everything decoded and validated, nothing of HTTP. */
export async function boundRequest(
  c: Context<HttpEnv>,
  route: Route,
  principal: Principal,
  bodyLimitBytes: number,
): Promise<BoundRequest> {
  const { endpoint, template } = route;
  const params = template.read(c.req.path);
  const query = readQuery(endpoint, requestTarget(c.env.incoming.url ?? "").query);
  const body = await readBody(c.req.raw, endpoint, bodyLimitBytes);
  const idempotencyKey = endpoint.idempotent ? c.req.header("idempotency-key") : undefined;
  const ifMatch = c.req.header("if-match");
  const lastEventId = c.req.header("last-event-id")?.trim() || undefined;
  // The endpoint's own schemas have just vouched for query and body; the type system cannot follow the table.
  const validated = { query, body } as Pick<BoundRequest, "query" | "body">;
  return {
    params,
    ...validated,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(lastEventId !== undefined && { lastEventId }),
    ...(ifMatch !== undefined && { ifMatch }),
    principal,
    requestId: c.get("requestId"),
    signal: c.req.raw.signal,
  };
}
