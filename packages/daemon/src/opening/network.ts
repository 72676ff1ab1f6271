import { lookup } from "node:dns/promises";
import type { Network } from "../governance/outbound/guarded-fetch.ts";
import { sameOriginFetch } from "../governance/outbound/same-origin.ts";

/** For what an operator configured: providers, and who renews tokens. */
export function configuredFetch(): typeof fetch {
  return sameOriginFetch(globalThis.fetch);
}

/** For what an agent names. */
export const network: Network = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};
