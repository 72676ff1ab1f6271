import { type GuardedRequest, guardedHop, type Network, REDIRECTS } from "./guarded-fetch.ts";
import { OutboundRefused } from "./refused.ts";

/** 03-R17. */
const MAX_REDIRECTS = 5;

export interface FollowOptions extends Omit<GuardedRequest, "method" | "body" | "onConnected"> {
  /** Makes each request of the chain; default `guardedHop`. What wraps it may look before it leaps, and refuse. */
  hop?: (url: URL, from: URL | undefined, go: () => Promise<Response>) => Promise<Response>;
}

export interface Followed {
  response: Response;
  url: URL;
  /** Where each redirect led, in order. */
  redirects: string[];
}

/** GETs a URL and goes where its answers lead, at most five times; each place is checked anew (03-R17). */
export async function guardedGet(
  network: Network,
  target: string,
  options: FollowOptions,
): Promise<Followed> {
  const { hop = (_url, _from, go) => go(), ...request } = options;
  if (!URL.canParse(target)) throw new OutboundRefused("invalid_request", "this is not an absolute URL");
  const redirects: string[] = [];
  let url = new URL(target);
  let from: URL | undefined;
  for (;;) {
    const here = url;
    const response = await hop(here, from, () => guardedHop(network, here, request));
    if (!REDIRECTS.has(response.status)) return { response, url, redirects };
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (location === null || !URL.canParse(location, url))
      throw new OutboundRefused("status", `${url.host} redirects (${response.status}) to no URL`);
    if (redirects.length === MAX_REDIRECTS)
      throw new OutboundRefused("status", `it redirects more than ${MAX_REDIRECTS} times`);
    from = url;
    url = new URL(location, url);
    redirects.push(url.href);
  }
}
