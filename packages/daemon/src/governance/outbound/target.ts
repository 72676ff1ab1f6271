import { isIP } from "node:net";
import { isDisguised, isOperatorAddress, isPublicAddress } from "./address.ts";
import type { NetworkAllow } from "./network-allow.ts";
import { isBadPort } from "./ports.ts";
import { OutboundRefused } from "./refused.ts";

export interface OutboundPolicy {
  /**
   * Whose word the URL is (03-A1). An agent's, the default, reaches public hosts only. What an operator configured may
   * be on their own machine and network too.
   */
  namedBy?: "agent" | "operator";
  /** What the operator lets agents reach besides. Absent: nothing. */
  allow?: NetworkAllow;
  /** Lifts all rules on addresses. Default false. */
  allowPrivateNetwork?: boolean;
}

/** Where a request may go, as far as its URL alone can tell. */
export interface OutboundTarget {
  url: URL;
  /** A name, or an address without brackets. */
  host: string;
  /** The host is an address already: there is nothing to resolve. */
  isAddress: boolean;
}

const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/**
 * Checks a URL that a user, a model or an operator gave (02-R92, 03-R17, 03-R50, 03-A1). The WHATWG parser has made one
 * address of `127.1`, `0x7f000001` and `2130706433` before anything is compared.
 */
export function checkTarget(text: string | URL, policy: OutboundPolicy = {}): OutboundTarget {
  if (!URL.canParse(text)) throw new OutboundRefused("invalid_request", "this is not an absolute URL");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new OutboundRefused("invalid_request", `only http and https leave the daemon, not ${url.protocol}`);
  if (url.username !== "" || url.password !== "")
    throw new OutboundRefused("blocked_credentials", "a URL must not hold a user name or a password");
  if (isBadPort(url.port) && policy.namedBy !== "operator")
    throw new OutboundRefused("invalid_request", `port ${url.port} belongs to another protocol than HTTP`);
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const isAddress = isIP(host) !== 0;
  // A resolver and a rule about hosts might read anything else each in its own way.
  if (!isAddress && !HOST_NAME.test(host))
    throw new OutboundRefused("invalid_request", `'${url.hostname}' is no host name`);
  if (isAddress) checkLiteral(host, policy);
  else if (isLocalName(host) && policy.namedBy !== "operator" && !isLifted(host, policy))
    throw notPublic(host);
  return { url, host, isAddress };
}

/** Refuses a host unless each of its addresses may be reached: a client might try any of them. */
export function checkAddresses(host: string, addresses: readonly string[], policy: OutboundPolicy): void {
  if (addresses.length === 0) throw new OutboundRefused("invalid_request", `${host} has no address`);
  if (isLifted(host, policy)) return;
  const may = policy.namedBy === "operator" ? isOperatorAddress : isPublicAddress;
  if (!addresses.every((address) => may(address) || policy.allow?.hasAddress(address) === true))
    throw notPublic(host, policy);
}

/** An IPv4 address written as an IPv6 one is not judged by the one it hides: nobody writes it so in good faith. */
function checkLiteral(address: string, policy: OutboundPolicy): void {
  checkAddresses(address, [address], policy);
  const isMeant = policy.allowPrivateNetwork === true || policy.allow?.hasAddress(address) === true;
  if (isDisguised(address) && !isMeant) throw notPublic(address, policy);
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function isLifted(host: string, { allowPrivateNetwork = false, allow }: OutboundPolicy): boolean {
  return allowPrivateNetwork || allow?.hasName(host) === true;
}

function notPublic(host: string, { namedBy = "agent" }: OutboundPolicy = {}): OutboundRefused {
  const why =
    namedBy === "operator"
      ? "is at an address that nothing may be configured at"
      : "is not a public host; an operator can allow it with --network-allow";
  return new OutboundRefused("blocked_private_network", `${host} ${why}`);
}
