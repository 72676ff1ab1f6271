import { once } from "node:events";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { CliError, messageOf } from "../errors.ts";
import { DaemonTimeout, DaemonUnreachable } from "./errors.ts";

const CONNECT_TIMEOUT_MS = 10_000;

/** Where requests go and as whom. */
export interface Target {
  readonly baseUrl: string;
  readonly token?: string;
}

export interface HttpRequest {
  readonly method: string;
  /** Path and query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** An answer whose body is yet to come. */
export interface OpenAnswer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Opens an exchange; the connection itself gets 10 s. A redirect is an answer like any other: the daemon has none, and
 * following one could carry the token elsewhere. Not by `fetch`, which costs a command more to load than all else.
 */
export async function open(target: Target, request: HttpRequest): Promise<OpenAnswer> {
  return withNetworkErrors(target, async () => {
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const sent = start(new URL(`${target.baseUrl}${request.path}`), {
      method: request.method,
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json", "content-length": body.length }),
        ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
        ...request.headers,
      },
      ...(request.signal && { signal: request.signal }),
    });
    sent.once("socket", (socket) => {
      if (!socket.connecting) return;
      const late = setTimeout(() => sent.destroy(new ConnectTimeout()), CONNECT_TIMEOUT_MS);
      for (const end of ["connect", "close"]) socket.once(end, () => clearTimeout(late));
    });
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    // From here on it is the body that fails.
    sent.on("error", () => undefined);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
  });
}

/** Not imported: a module namespace reads every export of `node:http`, and one of them loads the whole of `fetch`. */
function start(url: URL, options: RequestOptions): ClientRequest {
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  return request(url, options);
}

class ConnectTimeout extends Error {
  readonly code = "CONNECT_TIMEOUT";
}

export interface Answer extends Omit<OpenAnswer, "body"> {
  readonly text: string;
}

export async function textOf(target: Target, { body }: Pick<OpenAnswer, "body">): Promise<string> {
  return withNetworkErrors(target, async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  });
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A whole exchange within `timeoutMs`. */
export async function exchange(target: Target, request: HttpRequest, timeoutMs: number): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
  try {
    const { status, headers, body } = await open(target, { ...request, signal });
    return { status, headers, text: await textOf(target, { body }) };
  } catch (error) {
    if (!timeout.aborted || request.signal?.aborted) throw error;
    throw new DaemonTimeout(
      `the daemon did not answer ${request.method} ${request.path} within ${timeoutMs} ms`,
    );
  }
}

/** Says in words what went wrong on the network; what is no network error passes through. */
export async function withNetworkErrors<T>(target: Target, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof CliError || (error instanceof Error && error.name === "AbortError")) throw error;
    throw new DaemonUnreachable(target.baseUrl, networkReason(error));
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused (is it running? 'kheish serve' starts it)",
  ECONNRESET: "the connection broke",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name could not be resolved now",
  CONNECT_TIMEOUT: "no connection within 10 s",
  EHOSTUNREACH: "no way leads to this host",
  ENETUNREACH: "no way leads to this network",
  EPROTO: "what answers there speaks no TLS (does its URL begin with http:// ?)",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself (NODE_EXTRA_CA_CERTS=file trusts one)",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate is of an unknown authority (NODE_EXTRA_CA_CERTS=file trusts one)",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate is of an unknown authority (NODE_EXTRA_CA_CERTS=file trusts one)",
  HPE_INVALID_CONSTANT: "what answers there speaks no HTTP",
};

function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const known = typeof code === "string" ? reasons[code] : undefined;
  return known ?? (messageOf(cause).trim() || String(code ?? "the request failed"));
}
