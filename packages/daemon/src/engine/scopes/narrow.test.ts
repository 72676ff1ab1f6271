import type { CapabilityScope, CredentialScope } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeScope, routeAllowed } from "../commands/scopes.ts";
import {
  delegatedCredentials,
  isCapable,
  isConnectorAllowed,
  isConnectorCredentialAllowed,
  isMcpServerAllowed,
  narrowCapabilities,
  narrowCredentials,
} from "./narrow.ts";

const NAMES = ["a", "b", "c"];
const KEYS = ["T", "U"];
const list = (values: readonly string[]) =>
  fc.array(fc.constantFrom(...values, "*", " a ", ""), { maxLength: 3 });
const PAIRS = NAMES.flatMap((name) => KEYS.map((key) => `${name}:${key}`));
const credentialScope = fc.record(
  {
    route_allow: list(NAMES),
    route_deny: list(NAMES),
    connector_allow: list(NAMES),
    connector_deny: list(NAMES),
    connector_credential_allow: list(PAIRS),
    connector_credential_deny: list(PAIRS),
    mcp_server_allow: list(NAMES),
    mcp_server_deny: list(NAMES),
  },
  { requiredKeys: [] },
);
const capabilityScope = fc.record(
  {
    skill_allow: list(NAMES),
    skill_deny: list(NAMES),
    mcp_server_allow: list(NAMES),
    mcp_server_deny: list(NAMES),
    mcp_tool_allow: list(NAMES),
    mcp_tool_deny: list(NAMES),
  },
  { requiredKeys: [] },
);

/** Everything that a scope lets through. */
const credentials = (scope: CredentialScope) =>
  new Set([
    ...NAMES.filter((name) => routeAllowed(normalizeScope(scope), name)).map((name) => `route ${name}`),
    ...NAMES.filter((name) => isConnectorAllowed(scope, name)).map((name) => `connector ${name}`),
    ...NAMES.filter((name) => isMcpServerAllowed(scope, name)).map((name) => `mcp ${name}`),
    ...NAMES.flatMap((name) =>
      KEYS.filter((key) => isConnectorCredentialAllowed(scope, name, key)).map(
        (key) => `credential ${name}:${key}`,
      ),
    ),
  ]);
const capabilities = (scope: CapabilityScope) =>
  new Set(
    (["skill", "mcp_server", "mcp_tool"] as const).flatMap((kind) =>
      NAMES.filter((name) => isCapable(scope, kind, name)).map((name) => `${kind} ${name}`),
    ),
  );
const subset = (inner: Set<string>, outer: Set<string>) => [...inner].filter((one) => !outer.has(one));

describe("02-R69: a scope's lists", () => {
  it("are trimmed, without repetition and sorted, and any star makes them a star", () => {
    const scope = {
      route_allow: [" b ", "a", "b", ""],
      route_deny: ["a", "*", "c"],
      mcp_server_allow: [" "],
    };
    expect(normalizeScope(scope)).toEqual({ route_allow: ["a", "b"], route_deny: ["*"] });
  });

  it.each([
    [{}, "a", true],
    [{ route_allow: ["a"] }, "a", true],
    [{ route_allow: ["a"] }, "ab", false],
    [{ route_allow: ["a*"] }, "ab", false],
    [{ route_allow: ["*"], route_deny: ["a"] }, "a", false],
    [{ route_allow: ["a"], route_deny: ["a"] }, "a", false],
    [{ route_deny: ["a"] }, "b", true],
  ])("%j on '%s': %s; exact or a star, deny after allow", (scope, route, expected) => {
    expect(routeAllowed(normalizeScope(scope), route)).toBe(expected);
  });
});

describe("02-R71 02-R72: scopes narrow only", () => {
  it("for any chain each scope allows a subset of the one before it, and what both sides of a step allow is kept", () => {
    fc.assert(
      fc.property(fc.array(credentialScope, { minLength: 1, maxLength: 6 }), (chain) => {
        chain.reduce<CredentialScope>((parent, own) => {
          const child = narrowCredentials(parent, own);
          expect(subset(credentials(child), credentials(parent))).toEqual([]);
          expect(subset(credentials(child), credentials(own))).toEqual([]);
          const shared = new Set([...credentials(parent)].filter((one) => credentials(own).has(one)));
          expect(subset(shared, credentials(child))).toEqual([]);
          return child;
        }, {});
      }),
      { numRuns: 300 },
    );
  });

  it("the same for capabilities (02-R73)", () => {
    fc.assert(
      fc.property(fc.array(capabilityScope, { minLength: 1, maxLength: 6 }), (chain) => {
        chain.reduce<CapabilityScope>((parent, own) => {
          const child = narrowCapabilities(parent, own);
          const shared = new Set([...capabilities(parent)].filter((one) => capabilities(own).has(one)));
          expect(capabilities(child)).toEqual(shared);
          return child;
        }, {});
      }),
      { numRuns: 300 },
    );
  });

  it("a delegated child allows no more than its parent, with a scope of its own and without", () => {
    fc.assert(
      fc.property(credentialScope, fc.option(credentialScope, { nil: undefined }), (parent, own) => {
        const child = credentials(delegatedCredentials(parent, own));
        expect(subset(child, credentials(parent))).toEqual([]);
        if (own === undefined) expect([...child].every((one) => one.startsWith("route "))).toBe(true);
      }),
    );
  });

  it.each([
    [{ route_allow: ["a"] }, { route_allow: ["b"] }, { route_deny: ["*"] }],
    [{ route_allow: ["a", "b"] }, { route_allow: ["b", "c"] }, { route_allow: ["b"] }],
    [{}, { route_allow: ["b"] }, { route_allow: ["b"] }],
    [{ route_allow: ["*"] }, { route_allow: ["b"] }, { route_allow: ["b"] }],
    [{ route_deny: ["a"] }, { route_deny: ["b"] }, { route_deny: ["a", "b"] }],
    [{ route_deny: ["*"] }, { route_allow: ["b"] }, { route_allow: ["b"], route_deny: ["*"] }],
    [{}, {}, {}],
  ])("%j within which %j is %j", (outer, inner, narrowed) => {
    expect(narrowCredentials(outer, inner)).toEqual(narrowed);
  });

  it("02-R72: a child without a scope of its own gets its parent's routes and nothing else", () => {
    expect(delegatedCredentials({ route_allow: ["a"] })).toEqual({
      route_allow: ["a"],
      connector_deny: ["*"],
      connector_credential_deny: ["*"],
      mcp_server_deny: ["*"],
    });
  });
});

describe("02-R70: a connector's credential", () => {
  it.each([
    [{}, true],
    [{ connector_allow: ["a"] }, false],
    [{ connector_deny: ["b"] }, false],
    [{ connector_allow: ["a"], connector_credential_allow: ["a:T"] }, true],
    [{ connector_allow: ["a"], connector_credential_allow: ["*"] }, true],
    [{ connector_allow: ["b"], connector_credential_allow: ["a:T"] }, false],
    [{ connector_credential_allow: ["a:U"] }, false],
    [{ connector_credential_deny: ["a:T"] }, false],
    [{ connector_allow: ["a"], connector_credential_deny: ["a:U"] }, true],
  ])("under %j 'a' gets T: %s", (scope, allowed) => {
    expect(isConnectorCredentialAllowed(scope, "a", "T")).toBe(allowed);
  });
});
