import { BlockList, isIP, isIPv4 } from "node:net";

/** IPv4 addresses that no public host has (IANA's special-purpose registry), each with what it is. */
const V4_SPECIAL: [string, number][] = [
  ["0.0.0.0", 8], // this network; Linux takes it for this machine
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // shared with a carrier's customers
  ["127.0.0.0", 8], // this machine
  ["169.254.0.0", 16], // link-local, and the metadata services of clouds
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4 relays, retired
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 3], // multicast, reserved, broadcast
];

/** What is special inside 2000::/3; whatever lies outside of it is not public at all. */
const V6_SPECIAL: [string, number][] = [
  ["2001::", 23], // protocol assignments: Teredo, benchmarks, ORCHID
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: any IPv4 address in disguise
  ["3fff::", 20], // documentation
];

/** What an operator may have on their own machine and network (03-A1). */
const V4_LOCAL: [string, number][] = [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
];
const V6_LOCAL: [string, number][] = [
  ["::1", 128],
  ["fc00::", 7],
];

const V6_GLOBAL: [string, number][] = [["2000::", 3]];
/** An IPv6-only network reaches IPv4 through these; the last four bytes are the IPv4 address. */
const V6_TRANSLATED: [string, number][] = [["64:ff9b::", 96]];

const v4Special = listOf(V4_SPECIAL, "ipv4");
const v6Special = listOf(V6_SPECIAL, "ipv6");
const v6Global = listOf(V6_GLOBAL, "ipv6");
const v6Translated = listOf(V6_TRANSLATED, "ipv6");
const v4Local = listOf(V4_LOCAL, "ipv4");
const v6Local = listOf(V6_LOCAL, "ipv6");

/**
 * Whether a packet to this address leaves for a public host (02-R92). What holds an IPv4 address is judged by that one.
 * What is no address, or one with a zone, is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !v4Special.check(address, "ipv4");
  if (isIP(address) !== 6 || address.includes("%")) return false;
  const groups = groupsOf(address);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return isPublicAddress(lastFourBytes(groups));
  if (v6Translated.check(address, "ipv6")) return isPublicAddress(lastFourBytes(groups));
  return v6Global.check(address, "ipv6") && !v6Special.check(address, "ipv6");
}

/**
 * Whether what an operator configured may be at this address: public, or the operator's own machine and network (03-A1).
 * Link-local ones, where clouds keep their metadata, and all the rest of 03-R50 stay closed.
 */
export function isOperatorAddress(address: string): boolean {
  if (isDisguised(address)) return false;
  if (isPublicAddress(address)) return true;
  if (isIPv4(address)) return v4Local.check(address, "ipv4");
  return isIP(address) === 6 && !address.includes("%") && v6Local.check(address, "ipv6");
}

/** An IPv6 address that stands for an IPv4 one: nobody needs to write it so, and it hides where it goes. */
export function isDisguised(address: string): boolean {
  if (isIP(address) !== 6 || address.includes("%")) return false;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped || v6Translated.check(address, "ipv6");
}

function listOf(ranges: readonly [string, number][], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, family);
  return list;
}

/** The eight groups of a valid IPv6 address; the URL parser knows every way to write one. */
function groupsOf(address: string): number[] {
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const parts = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return parts(head);
  const missing = 8 - parts(head).length - parts(tail).length;
  return [...parts(head), ...Array<number>(missing).fill(0), ...parts(tail)];
}

function lastFourBytes(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
