import { changedFields } from "./diff.ts";
import type { Route } from "./route.ts";
import { arrange, type RouteSet } from "./route-set.ts";

/** Where a route comes from: what was configured, what an operator added at run time, what comes for free. */
export type RouteOrigin = "configured" | "overlay" | "builtin";

/**
 * The routes of a running daemon. They change as a whole and at once, by an operator's word only; a route that is the
 * same after a change stays the same object, and with it its driver.
 */
export class LiveRoutes {
  #set: RouteSet;
  #added: readonly Route[] = [];
  #current: readonly Route[];

  constructor(set: RouteSet) {
    this.#set = set;
    this.#current = arrange(set);
  }

  /** The default first. Empty only where a daemon may be without routes (02-R38). */
  get current(): readonly Route[] {
    return this.#current;
  }

  find(routeId: string): Route | undefined {
    return this.#current.find((route) => route.route_id === routeId);
  }

  originOf(routeId: string): RouteOrigin {
    if (this.#set.configured.some((route) => route.route_id === routeId)) return "configured";
    return this.#set.simulator?.route_id === routeId ? "builtin" : "overlay";
  }

  /** What `configure` would make of the routes. A route added at run time is not seen where another has its id. */
  preview(set: RouteSet): readonly Route[] {
    const ids = new Set([...set.configured, set.simulator].map((route) => route?.route_id));
    const visible = this.#added.filter((route) => !ids.has(route.route_id));
    return arrange(set, visible).map((route) => this.#kept(route));
  }

  /** Takes over what was loaded anew. */
  configure(set: RouteSet): void {
    this.#current = this.preview(set);
    this.#set = set;
  }

  /** Replaces what was added at run time. */
  overlay(routes: readonly Route[]): void {
    this.#added = routes;
    this.configure(this.#set);
  }

  #kept(route: Route): Route {
    const known = this.find(route.route_id);
    return known !== undefined && changedFields(known, route).length === 0 ? known : route;
  }
}
