import { BlockList, isIP, isIPv4 } from "node:net";
import type { MiddlewareHandler } from "hono";
import { ServeConfigError } from "../config-error.ts";
import type { HttpEnv } from "../http-env.ts";

/** Far more hops than there are; what is further left was written by the client anyway. */
const MAX_HOPS = 32;

/** Decides from whom a request comes, when proxies that we trust stand in between (02-W21). */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** Each an address or a CIDR range. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) this.#add(range);
  }

  /**
   * The nearest address that is no trusted proxy's: `X-Forwarded-For` is read from the right, because each proxy
   * appends whom it saw and anybody may write what stands to the left. Without a trusted proxy it is not read at all.
   */
  clientAddress(peer: string | undefined, forwardedFor: string | undefined): string | undefined {
    let nearest = peer === undefined ? undefined : plainAddress(peer);
    const hops = (forwardedFor ?? "").split(",").slice(-MAX_HOPS);
    while (nearest !== undefined && this.#trusts(nearest)) {
      const next = hops.pop()?.trim();
      const address = next === undefined ? undefined : addressOf(next);
      if (address === undefined) break;
      nearest = address;
    }
    return nearest;
  }

  #trusts(address: string): boolean {
    return this.#list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  }

  #add(range: string): void {
    const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || prefix > most)
      throw new ServeConfigError(`--http-trusted-proxy '${range}' is neither an address nor a CIDR range`);
    this.#list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  }
}

/** Finds out the caller's address before anything asks for it. */
export function clientAddress(proxies: TrustedProxies): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { remoteAddress } = c.env.incoming.socket;
    c.set("clientAddress", proxies.clientAddress(remoteAddress, c.req.header("x-forwarded-for")));
    return next();
  };
}

/** A forwarded address as proxies write it: some add a port. */
function addressOf(text: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? [];
  const [, v4] = /^([\d.]+)(?::\d{1,5})?$/.exec(text) ?? [];
  const address = plainAddress(bracketed ?? v4 ?? text);
  return isIP(address) === 0 || address.includes("%") ? undefined : address;
}

/** A dual-stack socket calls 10.0.0.1 `::ffff:10.0.0.1`. */
function plainAddress(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return mapped ?? address;
}
