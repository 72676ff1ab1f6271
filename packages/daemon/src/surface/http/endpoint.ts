import { type ResourceRequest, resourcesOf, SMALL_BODY_BYTES } from "@kheish/contract";
import type { Context, Handler } from "hono";
import type { BoundRequest, Credential } from "../../features/binding.ts";
import { requestAbout } from "./about.ts";
import type { HttpEnv } from "./http-env.ts";
import { boundRequest } from "./request/bound-request.ts";
import { renderReply } from "./response/render.ts";
import type { Route } from "./routing/route-table.ts";
import { type Caller, callerOf } from "./security/caller.ts";
import { bearerOf, type Gate } from "./security/gate.ts";
import { tokenDigest } from "./security/tokens.ts";
import type { EventStreams } from "./sse/event-streams.ts";

interface EndpointOptions {
  gate: Gate;
  streams: EventStreams;
  /** Of the endpoints that take files; the others' is smaller. */
  bodyLimitBytes: number;
}

/** Serves one endpoint: admit the caller, decode and validate, call the binding, render its reply. */
export function endpointHandler(route: Route, options: EndpointOptions): Handler<HttpEnv> {
  const { gate } = options;
  const bodyLimitBytes =
    route.endpoint.bodySize === "large"
      ? options.bodyLimitBytes
      : Math.min(SMALL_BODY_BYTES, options.bodyLimitBytes);
  const isNarrowed = route.endpoint.narrowed !== undefined;
  const serve = async (c: Context<HttpEnv>): Promise<Response> => {
    c.set("route", route.template.source);
    const caller = callerOf(c);
    const principal = await gate.admit(caller, route.demand);
    c.set("principal", principal.id);
    const authorize = (about: ResourceRequest) =>
      gate.authorize(caller, principal, route.demand, () => resourcesOf(route.endpoint, about));
    const params = route.template.read(c.req.path);
    // Where the path says it all, nothing more is read of whoever may not do this.
    if (!isNarrowed) await authorize({ params, query: undefined, body: undefined });
    const bound = await boundRequest(c, route, principal, bodyLimitBytes);
    const request = route.demand.access === "known" ? { ...bound, ...presentedBy(caller) } : bound;
    if (isNarrowed) await authorize(request);
    c.set("about", requestAbout(request));
    if (route.endpoint.kind === "sse") return options.streams.serve(c, request, route.handle);
    const reply = await route.handle(request);
    c.set("about", requestAbout(request, reply));
    if ("stream" in reply) throw new Error(`endpoint ${route.template.source} must not answer with a stream`);
    return renderReply(c, reply);
  };
  return (c) => serve(c).catch(rethrowAsError);
}

/** What a caller who was admitted had to show. */
function presentedBy({ authorization, browserSession, isSecure }: Caller): Partial<BoundRequest> {
  const token = authorization === undefined ? undefined : bearerOf(authorization);
  const credential: Credential | undefined =
    token !== undefined
      ? { kind: "token", sha256: tokenDigest(token).toString("hex") }
      : browserSession && { kind: "browser_session", id: browserSession.id };
  return { isSecure, ...(credential !== undefined && { credential }) };
}

/** Hono hands only errors to its error handler; anything else thrown would bypass the problem document. */
function rethrowAsError(thrown: unknown): never {
  throw thrown instanceof Error
    ? thrown
    : new Error("a value that is no error was thrown", { cause: thrown });
}
