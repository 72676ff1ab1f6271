import { type IncomingMessage, request as requestOverHttp } from "node:http";
import { request as requestOverHttps } from "node:https";
import { isIPv6, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import { OutboundRefused } from "./refused.ts";
import { checkAddresses, checkTarget, type OutboundPolicy } from "./target.ts";

/** All addresses of a name; rejects when it has none. `dns.lookup` with `all` is one. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

export interface GuardedRequest extends OutboundPolicy {
  /** Default `GET`. */
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Ends the request and the reading of its answer; there is no other time limit. */
  signal?: AbortSignal;
  /** The connection stands, TLS included. */
  onConnected?: () => void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * `fetch` for URLs that a user or a model gave (02-R92). The name is resolved once, all its addresses are checked, and
 * the connection can go to these only: a name that changes its mind in between changes nothing. A redirect is refused,
 * since where it leads nobody has checked. The answer's body is as it was sent, not decompressed.
 */
export async function guardedFetch(
  resolve: ResolveHost,
  target: string | URL,
  request: GuardedRequest = {},
): Promise<Response> {
  const { url, host, isAddress } = checkTarget(target, request);
  const addresses = isAddress ? [host] : await resolve(host);
  checkAddresses(host, addresses, request);
  const answer = await send(url, addresses, request);
  const status = answer.statusCode ?? 0;
  if (REDIRECTS.has(status)) {
    answer.destroy();
    throw new OutboundRefused("status", `${host} redirects (${status}), and redirects are not followed`);
  }
  const empty = WITHOUT_BODY.has(status) || request.method === "HEAD";
  if (empty) answer.resume();
  const body = empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers: headersOf(answer) });
}

function send(url: URL, addresses: readonly string[], request: GuardedRequest): Promise<IncomingMessage> {
  const over = url.protocol === "https:" ? requestOverHttps : requestOverHttp;
  return new Promise((resolve, reject) => {
    const outgoing = over(url, {
      method: request.method ?? "GET",
      headers: { "accept-encoding": "identity", ...request.headers },
      // A connection of its own: one from a pool might lead to where nobody looked.
      agent: false,
      lookup: pinnedTo(addresses),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    const { onConnected } = request;
    if (onConnected !== undefined) {
      const stands = url.protocol === "https:" ? "secureConnect" : "connect";
      outgoing.once("socket", (socket) => socket.once(stands, onConnected));
    }
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
    outgoing.end(request.body);
  });
}

/** Answers what was checked, whatever is asked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, { all: wantsAll }, done) => {
    const [first] = all;
    if (wantsAll) done(null, all);
    else done(null, first?.address ?? "", first?.family);
  };
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  return headers;
}
