import type { CapabilityScope, CredentialScope } from "@kheish/contract";
import { normalizeScope } from "../commands/scopes.ts";

/**
 * Scopes narrow and never widen (02-R69 to 02-R73).
 *
 * An allow list on the wire has two states: absent means everything, names mean these. A scope that allows nothing is
 * the third, and is written as a deny of `*`, so that no reader can take an empty list for "everything".
 */
type Lists = Partial<Record<string, string[] | undefined>>;

/** What a pair of lists lets through: everything, these names, or nothing; and, of that, what is denied. */
interface Part {
  allow: "all" | "none" | readonly string[];
  deny: readonly string[];
}

const CAPABILITIES = ["skill", "mcp_server", "mcp_tool", "tool"] as const;
const CREDENTIALS = ["route", "connector", "connector_credential", "mcp_server"] as const;

/** What both scopes allow. */
export function narrowCapabilities(outer: CapabilityScope, inner: CapabilityScope): CapabilityScope {
  return normalizeScope(narrow(CAPABILITIES, outer, inner, partOf));
}

/** What both scopes allow; a side whose connector credentials default to none keeps them so (02-R71). */
export function narrowCredentials(outer: CredentialScope, inner: CredentialScope): CredentialScope {
  const narrowed: CredentialScope = normalizeScope(narrow(CREDENTIALS, outer, inner, credentialPartOf));
  const mayAll =
    narrowed.connector_credential_allow === undefined && !isNothing(narrowed.connector_credential_deny);
  // Beside a list of connectors the absence of an allow list would mean none.
  return mayAll && namesConnectors(narrowed) ? { ...narrowed, connector_credential_allow: ["*"] } : narrowed;
}

/** What a delegated child may resolve: routes of its parent, and the rest only when it was given it (02-R72). */
export function delegatedCredentials(parent: CredentialScope, explicit?: CredentialScope): CredentialScope {
  return narrowCredentials(
    parent,
    explicit ?? { connector_deny: ["*"], connector_credential_deny: ["*"], mcp_server_deny: ["*"] },
  );
}

export function isCapable(
  scope: CapabilityScope,
  what: (typeof CAPABILITIES)[number],
  name: string,
): boolean {
  return lets(partOf(normalizeScope(scope), what), name);
}

export function isConnectorAllowed(scope: CredentialScope, connector: string): boolean {
  return lets(partOf(normalizeScope(scope), "connector"), connector);
}

/** 02-R70: the connector itself has to be allowed, and one that is named brings no credentials along. */
export function isConnectorCredentialAllowed(
  scope: CredentialScope,
  connector: string,
  key: string,
): boolean {
  const normal = normalizeScope(scope);
  return (
    isConnectorAllowed(normal, connector) &&
    lets(credentialPartOf(normal, "connector_credential"), `${connector}:${key}`)
  );
}

export function isMcpServerAllowed(scope: CredentialScope, server: string): boolean {
  return lets(partOf(normalizeScope(scope), "mcp_server"), server);
}

function narrow(
  names: readonly string[],
  outer: Lists,
  inner: Lists,
  part: (scope: Lists, name: string) => Part,
): Lists {
  const [one, other] = [normalizeScope(outer), normalizeScope(inner)];
  return Object.assign({}, ...names.map((name) => written(name, both(part(one, name), part(other, name)))));
}

function partOf(scope: Lists, name: string): Part {
  const allow = scope[`${name}_allow`];
  return {
    allow: allow === undefined || allow.includes("*") ? "all" : allow,
    deny: scope[`${name}_deny`] ?? [],
  };
}

function credentialPartOf(scope: Lists, name: string): Part {
  const part = partOf(scope, name);
  const isUnset = scope[`${name}_allow`] === undefined && part.deny.length === 0;
  const isNone = name === "connector_credential" && isUnset && namesConnectors(scope);
  return isNone ? { allow: "none", deny: [] } : part;
}

function namesConnectors(scope: Lists): boolean {
  return scope.connector_allow !== undefined || scope.connector_deny !== undefined;
}

function isNothing(deny: readonly string[] | undefined): boolean {
  return deny?.includes("*") === true;
}

function both(one: Part, other: Part): Part {
  return { allow: common(one.allow, other.allow), deny: [...one.deny, ...other.deny] };
}

function common(one: Part["allow"], other: Part["allow"]): Part["allow"] {
  if (one === "none" || other === "none") return "none";
  if (one === "all") return other;
  if (other === "all") return one;
  const shared = one.filter((name) => other.includes(name));
  return shared.length === 0 ? "none" : shared;
}

function written(name: string, { allow, deny }: Part): Lists {
  if (allow === "none") return { [`${name}_deny`]: ["*"] };
  return { [`${name}_deny`]: [...deny], ...(allow === "all" ? {} : { [`${name}_allow`]: [...allow] }) };
}

/** Exact names or `*`, no patterns; deny is looked at after allow (02-R69). */
function lets({ allow, deny }: Part, name: string): boolean {
  if (allow === "none" || deny.includes("*") || deny.includes(name)) return false;
  return allow === "all" || allow.includes(name);
}
