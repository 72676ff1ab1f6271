import { KheishConnectionError, KheishError, KheishProtocolError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { problemOf } from "./problem.ts";

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON where it is not undefined. */
  readonly body?: unknown;
}

/** Opens one exchange; resolves with a 2xx answer whose body is still to be read, throws everything else. */
export async function open(settings: Settings, request: WireRequest, signal: AbortSignal): Promise<Response> {
  const init: RequestInit = {
    method: request.method,
    headers: await headersOf(settings, request),
    // The daemon never redirects; following one could carry the token elsewhere.
    redirect: "manual",
    cache: "no-store",
    signal,
  };
  if (request.body !== undefined) init.body = JSON.stringify(request.body);
  const url = settings.baseUrl + request.path;
  const response = await withNetworkErrors(settings, signal, () => settings.machine.fetch(url, init));
  if (response.ok) return response;
  if (response.status === 0 || (response.status >= 300 && response.status < 400))
    throw new KheishProtocolError(
      `${settings.baseUrl} answered with a redirect, which the daemon never does; is the base URL right?`,
    );
  const text = await withNetworkErrors(settings, signal, () => response.text());
  throw problemOf(response, text, settings.machine.now());
}

async function headersOf(settings: Settings, request: WireRequest): Promise<Headers> {
  const { token } = settings;
  const bearer = typeof token === "function" ? await token() : token;
  const headers = new Headers({ accept: "application/json", ...settings.headers, ...request.headers });
  if (bearer !== undefined) {
    // Checked here: the platform's own message would show the token.
    if (!/^[\x21-\x7e]+$/.test(bearer))
      throw new KheishError("the token holds characters that no header can carry");
    headers.set("authorization", `Bearer ${bearer}`);
  }
  if (request.body !== undefined) headers.set("content-type", "application/json");
  return headers;
}

/** Makes of whatever the network throws a `KheishConnectionError`; an abort throws the signal's reason. */
export async function withNetworkErrors<T>(
  settings: Settings,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    signal.throwIfAborted();
    const { code, text } = reasonOf(error);
    throw new KheishConnectionError(`cannot reach the daemon at ${settings.baseUrl}: ${text}`, {
      mayHaveArrived: code === undefined || !NEVER_SENT.includes(code),
      cause: error,
    });
  }
}

/** Failures before a connection stood. Browsers do not tell, so there every failure may have arrived. */
const NEVER_SENT = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

/** Node's fetch says "fetch failed" and hides the reason in the cause. */
function reasonOf(error: unknown): { code: string | undefined; text: string } {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  const known = typeof code === "string" ? code : undefined;
  const text = cause instanceof Error && cause.message !== "" ? cause.message : (known ?? String(cause));
  return { code: known, text };
}
