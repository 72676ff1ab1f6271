import { problem } from "@kheish/contract";
import { type Binding, bind, changerOf, ok, param } from "../binding.ts";
import type { RouteService } from "./service.ts";

export function routeBindings(routes: RouteService): Binding[] {
  return [
    bind("listRoutes", async () => ok(await routes.list())),
    bind("addRoute", async (request) => ok(await routes.add(request.body, changerOf(request)))),
    bind("removeRoute", async (request) => {
      const { expected_revision, reason } = request.query;
      const change = {
        ...changerOf(request),
        ...(reason === undefined ? {} : { reason }),
        expectedRevision: expected_revision === undefined ? undefined : revisionIn(expected_revision),
      };
      return ok(await routes.remove(param(request, "route_id"), change));
    }),
    bind("reloadRoutes", async (request) => ok(await routes.reload(request.body, changerOf(request)))),
  ];
}

function revisionIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw problem("api", "request_query_invalid", "expected_revision must be a whole number");
}
