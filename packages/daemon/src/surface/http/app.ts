import { genericProblem, isProblem } from "@kheish/contract";
import { type ErrorHandler, Hono } from "hono";
import { endpointHandler } from "./endpoint.ts";
import type { HttpEnv } from "./http-env.ts";
import { mcpEndpoint } from "./mcp-endpoint.ts";
import { observe } from "./observe.ts";
import { openApiBinding } from "./openapi/binding.ts";
import { DEFAULT_BODY_LIMIT_BYTES, DEFAULT_HEARTBEAT_MS, type HttpOptions, streamLimits } from "./options.ts";
import { probes } from "./probes.ts";
import { ProblemDesk } from "./response/problems.ts";
import { renderProblem } from "./response/render.ts";
import { requestTarget } from "./routing/request-target.ts";
import { routeTable } from "./routing/route-table.ts";
import { unmatched } from "./routing/unmatched.ts";
import { isAuthEnabled } from "./security/auth-settings.ts";
import { isLoopbackHost } from "./security/bind-address.ts";
import { NO_BROWSER_SESSIONS } from "./security/browser-sessions.ts";
import { checkHttpSettings } from "./security/check-settings.ts";
import { clientAddress, TrustedProxies } from "./security/client-address.ts";
import { cors } from "./security/cors.ts";
import { corsPolicy } from "./security/cors-policy.ts";
import { Gate } from "./security/gate.ts";
import { hostGuard } from "./security/host-guard.ts";
import { NO_NAMED_TOKENS } from "./security/named-tokens.ts";
import { RefusalLog } from "./security/refusal-log.ts";
import { RequestLimiter } from "./security/request-limiter.ts";
import { responseHeaders } from "./security/response-headers.ts";
import { EventStreams } from "./sse/event-streams.ts";
import { StreamPlaces } from "./sse/stream-places.ts";
import { whoAmIBinding } from "./whoami.ts";

/** The control plane's app. It needs Node's request behind each request, so it runs under `startHttpServer` only. */
export function createHttpApp(options: HttpOptions): Hono<HttpEnv> {
  return assembleApp(options).app;
}

/** The app, and the open streams that a drain has to end. */
export function assembleApp(options: HttpOptions): { app: Hono<HttpEnv>; places: StreamPlaces } {
  checkHttpSettings(options);
  const { clock, logger, heartbeatMs = DEFAULT_HEARTBEAT_MS } = options;
  const refusals = new RefusalLog(options);
  const namedTokens = options.namedTokens ?? NO_NAMED_TOKENS;
  const requestLimiter = new RequestLimiter(clock, options.requestsPerMinute ?? 0);
  const { auth, readFile } = options;
  const browserSessions = options.browserSessions ?? NO_BROWSER_SESSIONS;
  const gate = new Gate({ auth, readFile, logger, refusals, namedTokens, browserSessions, requestLimiter });
  const places = new StreamPlaces(streamLimits(options), clock);
  namedTokens.onRevoked((tokenId) => places.revoke(tokenId));
  const streams = new EventStreams({ places, clock, heartbeatMs, logger });
  const bodyLimitBytes = options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES;
  const own = [
    ...probes(options.readiness, options.isRootHeld),
    openApiBinding(),
    whoAmIBinding(isAuthEnabled(auth)),
  ];
  const routes = routeTable([...own, ...options.bindings]);

  const app = new Hono<HttpEnv>({ getPath: rawPath });
  const proxies = new TrustedProxies(options.trustedProxies ?? []);
  app.use(observe(options), clientAddress(proxies), responseHeaders);
  if (isLoopbackHost(options.bind.host) && !isAuthEnabled(options.auth)) app.use(hostGuard(refusals));
  app.use(cors(corsPolicy(options.cors), refusals));
  for (const route of routes)
    app.on(
      route.endpoint.method,
      route.template.honoPath,
      endpointHandler(route, { gate, streams, bodyLimitBytes }),
    );
  const { version } = options;
  if (version !== undefined)
    app.all("/mcp", (c, next) =>
      c.req.method === "OPTIONS" ? next() : mcpEndpoint({ app, gate, clock, version })(c, next),
    );
  app.notFound(unmatched(routes, gate, options.console));
  app.onError(problemAnswer(new ProblemDesk(logger, options.random, options.redact)));
  return { app, places };
}

/** Routes by the path as it was sent; see `requestTarget`. */
function rawPath(_request: Request, context?: { env?: HttpEnv["Bindings"] }): string {
  return requestTarget(context?.env?.incoming.url ?? "/").path;
}

function problemAnswer(desk: ProblemDesk): ErrorHandler<HttpEnv> {
  return (error, c) => {
    // A caller that left is no incident: its own signal made the work stop.
    const left = c.req.raw.signal.aborted && !isProblem(error);
    const problem = left
      ? genericProblem(499, "the caller went away")
      : desk.problemFor(error, c.get("requestId"));
    return renderProblem(c, problem);
  };
}
