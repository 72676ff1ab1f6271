import type { CapabilityScope, CredentialScope } from "@kheish/contract";

type Scope = Partial<Record<string, string[] | undefined>>;

/** Trim, drop empties, sort, dedupe; a list with `*` is `["*"]`; empty lists vanish (01, CapabilityScope). */
export function normalizeScope<T extends CapabilityScope | CredentialScope>(scope: T): T {
  const normal: Scope = {};
  for (const [name, list] of Object.entries(scope as Scope).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const entries = [
      ...new Set((list ?? []).map((entry) => entry.trim()).filter((entry) => entry !== "")),
    ].sort();
    if (entries.includes("*")) normal[name] = ["*"];
    else if (entries.length > 0) normal[name] = entries;
  }
  return normal as T;
}

export function isEmptyScope(scope: CapabilityScope | CredentialScope): boolean {
  return Object.keys(scope).length === 0;
}

/** Whether a credential scope lets a route be used: deny wins, an allow-list that is present is exhaustive. */
export function routeAllowed(scope: CredentialScope | undefined, routeId: string): boolean {
  if (scope === undefined) return true;
  const listed = (list: string[] | undefined) =>
    list?.includes("*") === true || list?.includes(routeId) === true;
  if (listed(scope.route_deny)) return false;
  return scope.route_allow === undefined || listed(scope.route_allow);
}
