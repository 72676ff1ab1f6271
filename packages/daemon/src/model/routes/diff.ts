import type { Route } from "./route.ts";
import { Secret } from "./secret.ts";

export interface RoutesDiff {
  added: string[];
  removed: string[];
  /** Names of settings, never their values: one of them may be a key. */
  changed: { route_id: string; fields: string[] }[];
}

/** What a new set of routes would change, by route id. */
export function diffRoutes(before: readonly Route[], after: readonly Route[]): RoutesDiff {
  const idsOf = (routes: readonly Route[]) => routes.map(({ route_id }) => route_id);
  return {
    added: idsOf(after.filter(({ route_id }) => !idsOf(before).includes(route_id))),
    removed: idsOf(before.filter(({ route_id }) => !idsOf(after).includes(route_id))),
    changed: after.flatMap((route) => {
      const earlier = before.find(({ route_id }) => route_id === route.route_id);
      const fields = earlier === undefined ? [] : changedFields(earlier, route);
      return fields.length === 0 ? [] : [{ route_id: route.route_id, fields }];
    }),
  };
}

/** The settings in which two routes differ, sorted. */
export function changedFields(one: Route, other: Route): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Route>;
  return [...names].filter((name) => comparable(one[name]) !== comparable(other[name])).sort();
}

function comparable(value: unknown): string | undefined {
  return JSON.stringify(revealed(value));
}

/** Plain values, secrets included: for comparing, never for showing. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (value instanceof Map) return [...value].map(revealed);
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}
