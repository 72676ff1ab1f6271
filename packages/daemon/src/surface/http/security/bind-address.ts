import { isIPv4 } from "node:net";

/** Where the daemon listens. `host` is a name or an address; IPv6 with or without brackets. */
export interface BindAddress {
  host: string;
  port: number;
}

const UNSPECIFIED = new Set(["", "0.0.0.0", "::"]);

/** The host as Node's listener and URL comparisons want it: no brackets, lower case. */
export function bareHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.startsWith("[") && lower.endsWith("]") ? lower.slice(1, -1) : lower;
}

/** Only this machine can reach a loopback host. */
export function isLoopbackHost(host: string): boolean {
  const bare = bareHost(host);
  const v4 = bare.startsWith("::ffff:") ? bare.slice("::ffff:".length) : bare;
  return bare === "localhost" || bare === "::1" || (isIPv4(v4) && v4.startsWith("127."));
}

export function isUnspecifiedHost(host: string): boolean {
  return UNSPECIFIED.has(bareHost(host));
}

/** `host:port`, bracketed where IPv6 needs it. */
export function authority(host: string, port: number): string {
  const bare = bareHost(host);
  return bare.includes(":") ? `[${bare}]:${port}` : `${bare}:${port}`;
}

/** The URL a client on this machine uses; a wildcard address becomes the loopback of its family. */
export function baseUrlOf(host: string, port: number): string {
  const bare = bareHost(host);
  if (!isUnspecifiedHost(bare)) return `http://${authority(bare, port)}`;
  return `http://${authority(bare === "::" ? "::1" : "127.0.0.1", port)}`;
}
