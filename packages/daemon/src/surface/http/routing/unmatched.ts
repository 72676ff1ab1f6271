import { problem } from "@kheish/contract";
import type { Context } from "hono";
import type { Console } from "../console/files.ts";
import { consoleAnswer, isForConsole } from "../console/serve.ts";
import type { HttpEnv } from "../http-env.ts";
import { callerOf } from "../security/caller.ts";
import type { Demand, Gate } from "../security/gate.ts";
import type { Route } from "./route-table.ts";

/** What is not in the table is for admins only, so that a forgotten endpoint fails safe (02-R84). */
const ADMIN: Demand = { access: "admin", verb: "admin" };

/** Answers what no route took: a page, an unknown path, a known one with another method or with an empty id. */
export function unmatched(routes: readonly Route[], gate: Gate, console: Console | undefined) {
  return async (c: Context<HttpEnv>): Promise<Response> => {
    const { method, path } = c.req;
    if (console !== undefined && isForConsole(method, path)) return consoleAnswer(c, console);
    const candidates = routes.filter((route) => route.template.matches(path));
    const known = candidates.length > 0;
    const allow = allowedMethods(candidates).join(", ");
    // Before anybody is asked for a token: it tells what the published contract tells (02, HTTP).
    if (method === "OPTIONS") return c.body(null, 204, known ? { allow } : {});
    const caller = callerOf(c);
    const principal = await gate.admit(caller, ADMIN);
    c.set("principal", principal.id);
    await gate.authorize(caller, principal, ADMIN, () => [path.replace(/^\/(?:v1\/)?/, "")]);
    if (!known) throw problem("api", "route_not_found", "there is no such route; see GET /v1/openapi.json");
    for (const { template } of candidates) template.read(path);
    throw problem("api", "method_not_allowed", `this path takes ${allow}`, { headers: { allow } });
  };
}

function allowedMethods(candidates: readonly Route[]): string[] {
  const methods = new Set<string>(["OPTIONS"]);
  for (const { endpoint } of candidates) methods.add(endpoint.method);
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort();
}
