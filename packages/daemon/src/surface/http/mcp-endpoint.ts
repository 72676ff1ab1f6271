import type { Context, Handler, Hono } from "hono";
import { type Clock, sleep } from "../../kernel/clock.ts";
import { ControlPlane, type Send } from "../mcp/plane.ts";
import type { HttpEnv } from "./http-env.ts";
import { callerOf } from "./security/caller.ts";
import type { Gate } from "./security/gate.ts";

/** Of one MCP message. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** What of a request says who asks. */
const WHO = ["authorization", "x-forwarded-for"];

interface McpEndpointOptions {
  /** The whole control plane. */
  app: Hono<HttpEnv>;
  gate: Gate;
  clock: Clock;
  version: string;
}

/**
 * MCP over streamable HTTP, stateless (03-A6). Whoever may read comes in; each call then goes through the control
 * plane's own door with the caller's credentials, so that no other rule holds here than there.
 */
export function mcpEndpoint({ app, gate, clock, version }: McpEndpointOptions): Handler<HttpEnv> {
  return async (c) => {
    c.set("route", "/mcp");
    const principal = await gate.admit(callerOf(c), { access: "read", verb: "read" });
    c.set("principal", principal.id);
    const plane = new ControlPlane(throughApp(app, c));
    const { createMcpHandler, daemonMcpServer } = await protocol();
    const handler = createMcpHandler(
      () => daemonMcpServer(plane, version, (ms, signal) => sleep(clock, ms, signal)),
      { maxRequestBodySize: MAX_BODY_BYTES },
    );
    return handler.fetch(c.req.raw);
  };
}

/** Loaded by the first request: most daemons never see one. */
async function protocol() {
  const [{ createMcpHandler }, { daemonMcpServer }] = await Promise.all([
    import("@modelcontextprotocol/server"),
    import("../mcp/server.ts"),
  ]);
  return { createMcpHandler, daemonMcpServer };
}

/** A request of its own to the same app, from the same connection. */
function throughApp(app: Hono<HttpEnv>, c: Context<HttpEnv>): Send {
  const who = WHO.flatMap((name) => {
    const value = c.req.header(name);
    return value === undefined ? [] : [[name, value] as [string, string]];
  });
  const { incoming, outgoing } = c.env;
  return async ({ method, path, headers = {}, body, signal }) => {
    const given = new Headers([...who, ...Object.entries(headers)]);
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) {
      given.set("content-type", "application/json");
      given.set("content-length", String(Buffer.byteLength(text)));
    }
    const request = new Request(new URL(path, "http://127.0.0.1"), {
      method,
      headers: given,
      ...(text === undefined ? {} : { body: text }),
      ...(signal === undefined ? {} : { signal }),
    });
    const inner = Object.create(incoming, {
      url: { value: path },
      method: { value: method },
    }) as typeof incoming;
    const answer = await app.fetch(request, { incoming: inner, outgoing });
    return { status: answer.status, text: await answer.text() };
  };
}
