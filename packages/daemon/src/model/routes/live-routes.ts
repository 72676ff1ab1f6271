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
  #overlay: readonly Route[] = [];
  #current: readonly Route[];

  constructor(set: RouteSet) {
    this.#set = set;
    this.#current = arrange(set);
  }

  /** The default first. Empty only where a daemon may be without routes (02-R38). */
  get current(): readonly Route[] {
    return this.#current;
  }

  get set(): RouteSet {
    return this.#set;
  }

  find(routeId: string): Route | undefined {
    return this.#current.find((route) => route.route_id === routeId);
  }

  originOf(routeId: string): RouteOrigin {
    if (this.#set.configured.some((route) => route.route_id === routeId)) return "configured";
    return this.#set.simulator?.route_id === routeId ? "builtin" : "overlay";
  }

  /** Takes over what was loaded anew. */
  configure(set: RouteSet): void {
    const simulator = set.simulator && this.#kept(set.simulator);
    this.#set = {
      ...set,
      configured: set.configured.map((route) => this.#kept(route)),
      ...(simulator === undefined ? {} : { simulator }),
    };
    this.#current = arrange(this.#set, this.#overlay);
  }

  /** Replaces what was added at run time; a route whose id is configured as well is not seen. */
  overlay(routes: readonly Route[]): void {
    const ids = new Set([...this.#set.configured, this.#set.simulator].map((route) => route?.route_id));
    this.#overlay = routes.filter((route) => !ids.has(route.route_id)).map((route) => this.#kept(route));
    this.#current = arrange(this.#set, this.#overlay);
  }

  #kept(route: Route): Route {
    const known = this.find(route.route_id);
    return known !== undefined && changedFields(known, route).length === 0 ? known : route;
  }
}
