import { problem } from "@kheish/contract";
import { type Binding, bind, ok, param } from "../binding.ts";
import type { RouteService } from "./service.ts";

export function routeBindings(routes: RouteService): Binding[] {
  return [
    bind("listRoutes", async () => ok(await routes.list())),
    bind("addRoute", async ({ body, principal }) => ok(await routes.add(body, principal.id))),
    bind("removeRoute", async (request) => {
      const { expected_revision, reason } = request.query;
      const change = {
        actor: request.principal.id,
        reason,
        expectedRevision: expected_revision === undefined ? undefined : revisionIn(expected_revision),
      };
      return ok(await routes.remove(param(request, "route_id"), change));
    }),
    bind("reloadRoutes", async ({ body, principal }) => ok(await routes.reload(body, principal.id))),
  ];
}

function revisionIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw problem("api", "request_query_invalid", "expected_revision must be a whole number");
}
