import { type ClientRequestArgs, type IncomingMessage, request as requestOverHttp } from "node:http";
import { request as requestOverHttps } from "node:https";
import { isIP, isIPv6, type LookupFunction, type TcpNetConnectOpts } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import { OutboundRefused } from "./refused.ts";
import { checkAddresses, checkTarget, type OutboundPolicy } from "./target.ts";

/** All addresses of a name; rejects when it has none. `dns.lookup` with `all` is one. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** What reaches the world: names and sockets. */
export interface Network {
  resolve: ResolveHost;
  /** Opens the connection, to an address that `lookup` answers. Absent: Node's own way. */
  connect?: (options: TcpNetConnectOpts & { lookup: LookupFunction }) => Duplex;
}

export interface GuardedRequest extends OutboundPolicy {
  /** Default `GET`. */
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Ends the resolving, the request and the reading of its answer; there is no other time limit. */
  signal?: AbortSignal;
  /** The connection stands, TLS included. */
  onConnected?: () => void;
}

/** Statuses with which an answer sends its reader elsewhere. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * `fetch` for URLs that a user, a model or an operator gave (02-R92). A redirect is refused, since where it leads nobody
 * has checked.
 */
export async function guardedFetch(
  network: Network,
  target: string | URL,
  request: GuardedRequest = {},
): Promise<Response> {
  const answer = await guardedHop(network, target, request);
  if (!REDIRECTS.has(answer.status)) return answer;
  await answer.body?.cancel();
  const { host } = new URL(target);
  throw new OutboundRefused("status", `${host} redirects (${answer.status}), and redirects are not followed`);
}

/**
 * One request of a chain: an answer that redirects is an answer. The name is resolved once, all its addresses are
 * checked, and the connection can go to these only: a name that changes its mind in between changes nothing. Proxies of
 * the environment are ignored, nothing is kept for the next request, and the body is as it was sent, not decompressed.
 */
export async function guardedHop(
  network: Network,
  target: string | URL,
  request: GuardedRequest = {},
): Promise<Response> {
  const { url, host, isAddress } = checkTarget(target, request);
  const addresses = isAddress ? [host] : await untilAborted(network.resolve(host), request.signal);
  checkAddresses(host, addresses, request);
  const answer = await send(network, url, addresses, request);
  const status = answer.statusCode ?? 0;
  const empty = WITHOUT_BODY.has(status) || request.method === "HEAD";
  if (empty) answer.resume();
  const body = empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers: headersOf(answer) });
}

/** A resolver has no way to be stopped; its answer is not waited for. */
async function untilAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return asked;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([asked, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
}

function send(
  { connect }: Network,
  url: URL,
  addresses: readonly string[],
  request: GuardedRequest,
): Promise<IncomingMessage> {
  const over = url.protocol === "https:" ? requestOverHttps : requestOverHttp;
  const lookup = pinnedTo(addresses);
  return new Promise((resolve, reject) => {
    const outgoing = over(url, {
      method: request.method ?? "GET",
      headers: { "accept-encoding": "identity", ...request.headers },
      // A connection of its own: one from a pool might lead to where nobody looked.
      ...(connect === undefined ? { agent: false } : through(connect, url, lookup)),
      lookup,
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

/** Node's own agents would do all this; a connection that is made elsewhere is told by hand. */
function through(connect: NonNullable<Network["connect"]>, url: URL, lookup: LookupFunction) {
  const plain = (options: ClientRequestArgs) => connect({ ...(options as TcpNetConnectOpts), lookup });
  if (url.protocol === "http:") return { defaultPort: 80, createConnection: plain };
  const servername =
    isIP(url.hostname) === 0 && !url.hostname.startsWith("[") ? { servername: url.hostname } : {};
  return {
    defaultPort: 443,
    createConnection: (options: ClientRequestArgs) => connectTls({ socket: plain(options), ...servername }),
  };
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
