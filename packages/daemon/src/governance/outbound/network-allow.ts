import { BlockList, isIP, isIPv4 } from "node:net";

/** What an operator lets agents reach besides public hosts (03-A1). */
export interface NetworkAllow {
  /** A name that was given; whatever addresses it has are the operator's business. */
  hasName(host: string): boolean;
  /** Inside of an address or range that was given. */
  hasAddress(address: string): boolean;
}

/** An entry that is neither; `entry` is as it was given. */
export class NetworkAllowError extends Error {
  readonly entry: string;

  constructor(entry: string) {
    super(`'${entry}' is neither a host name, an address nor a range such as 10.0.0.0/8`);
    this.name = "NetworkAllowError";
    this.entry = entry;
  }
}

const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;

/** Reads `HOST|CIDR` entries of `--network-allow`: exact names, addresses, ranges. Throws `NetworkAllowError`. */
export function networkAllow(entries: readonly string[]): NetworkAllow {
  const names = new Set<string>();
  const ranges = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix, ...rest] = entry.replace(/^\[(.*)\]$/, "$1").split("/");
    const bits = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) !== 0 && !address.includes("%") && rest.length === 0 && isPrefix(prefix, bits))
      ranges.addSubnet(address, prefix === undefined ? bits : Number(prefix), familyOf(address));
    else {
      const name = nameIn(entry);
      if (name === undefined) throw new NetworkAllowError(entry);
      names.add(name);
    }
  }
  return {
    hasName: (host) => names.has(host),
    hasAddress: (address) => isIP(address) !== 0 && ranges.check(address, familyOf(address)),
  };
}

function isPrefix(text: string | undefined, most: number): boolean {
  return text === undefined || (/^\d{1,3}$/.test(text) && Number(text) <= most);
}

/** In lower case and ASCII, as the URL parser has it; undefined for what it would take for an address, or for more than a name. */
function nameIn(entry: string): string | undefined {
  const name = /[\s:/@?#%[\]\\]/.test(entry)
    ? ""
    : (URL.parse(`http://${entry}/`)?.hostname.replace(/\.$/, "") ?? "");
  return NAME.test(name) && isIP(name) === 0 ? name : undefined;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}
