import { type Endpoint, type EndpointId, endpoints, verbOf } from "@kheish/contract";
import type { Binding } from "../../../features/binding.ts";
import type { Demand } from "../security/gate.ts";
import { PathTemplate } from "./path-template.ts";

/** An endpoint of the contract with the binding that serves it. */
export interface Route {
  endpoint: Endpoint;
  template: PathTemplate;
  /** What the caller needs; a changing method always needs admin (02, HTTP). */
  demand: Demand;
  handle: Binding["handle"];
}

/** The routes of these bindings, literals before parameters, so that `/v1/runs/prune` is never a run's id. */
export function routeTable(bindings: readonly Binding[]): Route[] {
  const bound = new Set<EndpointId>();
  for (const { endpoint } of bindings) {
    if (bound.has(endpoint)) throw new Error(`endpoint '${endpoint}' is bound twice`);
    bound.add(endpoint);
  }
  return bindings
    .map(routeOf)
    .sort((one, other) => (sortKey(one.template) < sortKey(other.template) ? -1 : 1));
}

function routeOf(binding: Binding): Route {
  const endpoint: Endpoint = endpoints[binding.endpoint];
  const access = endpoint.access === "read" && endpoint.method !== "GET" ? "admin" : endpoint.access;
  return {
    endpoint,
    template: new PathTemplate(endpoint.path),
    demand: { access, verb: verbOf(endpoint) },
    handle: binding.handle,
  };
}

function sortKey(template: PathTemplate): string {
  return template.source.replaceAll(/\{[^}]+\}/g, "\u{ffff}");
}
