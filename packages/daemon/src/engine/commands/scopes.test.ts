import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isEmptyScope, normalizeScope, routeAllowed } from "./scopes.ts";

const names = fc.array(fc.constantFrom("a", " a ", "b", "B", "", "  ", "*", " * ", "c d"), { maxLength: 6 });
const scopes = fc.record({ route_allow: names, route_deny: names }, { requiredKeys: [] });

describe("01-R12: a scope in its normal form", () => {
  it.each([
    [{ route_allow: [" b ", "a", "b", "", "  "] }, { route_allow: ["a", "b"] }],
    [{ route_allow: ["a", " * "] }, { route_allow: ["*"] }],
    [{ route_allow: [], route_deny: [" "] }, {}],
    [
      { route_deny: ["z"], route_allow: ["a"] },
      { route_allow: ["a"], route_deny: ["z"] },
    ],
    [{ route_allow: undefined }, {}],
    [{}, {}],
  ])("%j is %j", (scope, normal) => {
    expect(normalizeScope(scope)).toEqual(normal);
    expect(JSON.stringify(normalizeScope(scope))).toBe(JSON.stringify(normal));
  });

  it("is its own normal form, and does not change what it was given", () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        const before = structuredClone(scope);
        const normal = normalizeScope(scope);
        expect(normalizeScope(normal)).toEqual(normal);
        expect(scope).toEqual(before);
      }),
    );
  });

  it("lists names once, in order, and nothing beside `*`", () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        for (const list of Object.values(normalizeScope(scope))) {
          expect(list).toEqual([...new Set(list)].sort());
          expect(list.length).toBeGreaterThan(0);
          if (list.includes("*")) expect(list).toEqual(["*"]);
        }
      }),
    );
  });

  it("is empty when nothing is listed", () => {
    expect(isEmptyScope(normalizeScope({ route_allow: [" "] }))).toBe(true);
    expect(isEmptyScope(normalizeScope({ route_allow: ["a"] }))).toBe(false);
  });
});

describe("01-R21: a credential scope and a route", () => {
  it.each([
    [undefined, true],
    [{}, true],
    [{ route_allow: ["main"] }, true],
    [{ route_allow: ["other"] }, false],
    [{ route_allow: ["*"] }, true],
    [{ route_deny: ["main"] }, false],
    [{ route_deny: ["other"] }, true],
    [{ route_deny: ["*"] }, false],
    [{ route_allow: ["main"], route_deny: ["main"] }, false],
    [{ route_allow: ["*"], route_deny: ["main"] }, false],
    [{ route_allow: ["main"], route_deny: ["*"] }, false],
    [{ connector_allow: ["main"] }, true],
  ])("%j lets 'main' be used: %s", (scope, allowed) => {
    expect(routeAllowed(scope, "main")).toBe(allowed);
  });

  it("only narrows: what is added to a deny list allows nothing more", () => {
    const route = fc.constantFrom("a", "b");
    fc.assert(
      fc.property(scopes.map(normalizeScope), route, route, (scope, denied, asked) => {
        const narrower = { ...scope, route_deny: [...(scope.route_deny ?? []), denied] };
        if (routeAllowed(narrower, asked)) expect(routeAllowed(scope, asked)).toBe(true);
        expect(routeAllowed(narrower, denied)).toBe(false);
      }),
    );
  });
});
