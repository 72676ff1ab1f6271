import { isIP } from "node:net";
import { isPublicAddress } from "./address.ts";
import { OutboundRefused } from "./refused.ts";

export interface OutboundPolicy {
  /** Lets requests go to this machine and its network as well. Default false. */
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

/**
 * Checks a URL that a user or a model gave (02-R92). The WHATWG parser has made one address of `127.1`, `0x7f000001`
 * and `2130706433` before anything is compared.
 */
export function checkTarget(text: string | URL, policy: OutboundPolicy = {}): OutboundTarget {
  if (!URL.canParse(text)) throw new OutboundRefused("invalid_request", "this is not an absolute URL");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new OutboundRefused("invalid_request", `only http and https leave the daemon, not ${url.protocol}`);
  if (url.username !== "" || url.password !== "")
    throw new OutboundRefused("blocked_credentials", "a URL must not hold a user name or a password");
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const isAddress = isIP(host) !== 0;
  if (isLocalName(host)) checkAllowed(policy, host);
  if (isAddress) checkAddresses(host, [host], policy);
  return { url, host, isAddress };
}

/** Refuses a host unless every one of its addresses is public: a client might try any of them. */
export function checkAddresses(host: string, addresses: readonly string[], policy: OutboundPolicy): void {
  if (addresses.length === 0) throw new OutboundRefused("invalid_request", `${host} has no address`);
  if (!addresses.every(isPublicAddress)) checkAllowed(policy, host);
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function checkAllowed({ allowPrivateNetwork = false }: OutboundPolicy, host: string): void {
  if (!allowPrivateNetwork)
    throw new OutboundRefused(
      "blocked_private_network",
      `${host} is not a public host; allow_private_network lets requests go there`,
    );
}
