import { BlockList, isIP } from "node:net";

/** 03-R50: what no hook may call, as far as the address itself tells; names are resolved and checked at each call. */
const RESERVED = new BlockList();
for (const [address, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  RESERVED.addSubnet(address, prefix, "ipv4");
}
for (const [address, prefix] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 9],
  ["ff00::", 8],
] as const) {
  RESERVED.addSubnet(address, prefix, "ipv6");
}

/** Why a hook may not call this URL; undefined when nothing in the URL itself speaks against it. */
export function refusedTarget(text: string): string | undefined {
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must be http or https";
  if (url.username !== "" || url.password !== "") return "must not carry a user name or password";
  const host = url.hostname.toLowerCase().replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost")) return "must not be this machine";
  const address = host.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  if (family === 0) return undefined;
  const mapped = family === 6 && address.startsWith("::ffff:");
  return mapped || RESERVED.check(address, family === 4 ? "ipv4" : "ipv6")
    ? "must be a public address"
    : undefined;
}
