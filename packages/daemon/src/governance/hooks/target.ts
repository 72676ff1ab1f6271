import { BlockList, isIP, isIPv4 } from "node:net";
import type { HookExecutor } from "@kheish/contract";
import { isPublicAddress } from "../outbound/address.ts";
import { OutboundRefused } from "../outbound/refused.ts";
import { checkTarget } from "../outbound/target.ts";

/** What an operator may have on their own machine and network (03-A1). */
const LOCAL = new BlockList();
LOCAL.addSubnet("127.0.0.0", 8, "ipv4");
LOCAL.addSubnet("10.0.0.0", 8, "ipv4");
LOCAL.addSubnet("172.16.0.0", 12, "ipv4");
LOCAL.addSubnet("192.168.0.0", 16, "ipv4");
LOCAL.addAddress("::1", "ipv6");
LOCAL.addSubnet("fc00::", 7, "ipv6");

/** IPv6 addresses that stand for an IPv4 one: no hook needs them, and they hide where it goes. */
const DISGUISED = /^(?:::ffff:|64:ff9b:)/i;

/**
 * Whether an HTTP hook may be at this address: public, or the operator's own machine and network (03-A1). Link-local
 * ones, where clouds keep their metadata, and all the rest of 03-R50 stay closed.
 */
export function isHookAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes("%") || DISGUISED.test(address)) return false;
  return isPublicAddress(address) || LOCAL.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

const WHY: Partial<Record<OutboundRefused["failureClass"], string>> = {
  blocked_credentials: "must not carry a user name or password",
  blocked_private_network: "must not be a link-local, shared, reserved or multicast address",
};

/** Why a hook may not call this URL, as far as the URL itself tells (03-R50); undefined when nothing speaks against it. */
export function refusedTarget(text: string): string | undefined {
  try {
    const { host, isAddress } = checkTarget(text, { allowPrivateNetwork: true });
    return isAddress && !isHookAddress(host) ? WHY.blocked_private_network : undefined;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    return WHY[error.failureClass] ?? "must be an absolute http or https URL";
  }
}

/** What a hook calls, in words that hold no command, no path and no query (02-R74). */
export function describeTarget(executor: HookExecutor): string {
  switch (executor.type) {
    case "command":
      return "command";
    case "http":
      return URL.canParse(executor.url) ? `http ${new URL(executor.url).origin}` : "http";
    case "callback":
      return `callback ${executor.name}`;
    default:
      return executor.type;
  }
}
