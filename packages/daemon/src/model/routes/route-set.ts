import type { Route } from "./route.ts";

/** What a daemon was told about its routes when it last looked: in the routes file, or in flags and environment. */
export interface RouteSet {
  configured: readonly Route[];
  /** The simulator that comes for free; last, so that it is the default only where nothing else is. */
  simulator?: Route;
  /** The default that somebody named. */
  default_route?: string;
}

/** Every route, the default first (02-R24); `added` are those that came while the daemon ran (02-R38). */
export function arrange(set: RouteSet, added: readonly Route[] = []): readonly Route[] {
  const { configured, simulator, default_route } = set;
  const all = [...configured, ...added, ...(simulator === undefined ? [] : [simulator])];
  const first = all.find((route) => route.route_id === default_route) ?? all[0];
  return first === undefined ? [] : [first, ...all.filter((route) => route !== first)];
}
