import { isIP } from "node:net";
import { z } from "zod";
import { OutboundRefused } from "../../governance/outbound/refused.ts";
import { checkTarget, type OutboundPolicy } from "../../governance/outbound/target.ts";

/** Beyond this a search engine takes no more `site:` words anyway. */
const MAX_DOMAINS = 20;

/** A host name without anything around it, in lower case and ASCII. */
const Domain = z
  .string()
  .max(253)
  .transform((text, context) => {
    const host = canonicalHost(text.trim().replace(/^\*\./, ""));
    if (host !== undefined) return host;
    context.addIssue({ code: "custom", message: "a host name is needed, such as example.com" });
    return z.NEVER;
  });

export const Domains = z.array(Domain).max(MAX_DOMAINS).default([]);

function canonicalHost(text: string): string | undefined {
  const url = URL.parse(`http://${text}/`);
  if (
    url === null ||
    url.host !== url.hostname ||
    url.pathname !== "/" ||
    url.search !== "" ||
    url.hash !== ""
  )
    return undefined;
  const host = url.hostname.replace(/\.$/, "");
  return url.username !== "" || url.password !== "" || host.startsWith("[") || isIP(host) !== 0
    ? undefined
    : host;
}

export interface DomainFilter {
  allowed: readonly string[];
  blocked: readonly string[];
}

/** The host of a URL that a search may answer with; undefined for one that no agent could fetch, or that is filtered (03-R18). */
export function admittedHost(
  url: string,
  { allowed, blocked }: DomainFilter,
  policy: OutboundPolicy,
): string | undefined {
  const host = reachableHost(url, policy);
  if (host === undefined || blocked.some((domain) => isWithin(host, domain))) return undefined;
  return allowed.length === 0 || allowed.some((domain) => isWithin(host, domain)) ? host : undefined;
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function reachableHost(url: string, policy: OutboundPolicy): string | undefined {
  try {
    return checkTarget(url, policy).host;
  } catch (error) {
    if (error instanceof OutboundRefused) return undefined;
    throw error;
  }
}
