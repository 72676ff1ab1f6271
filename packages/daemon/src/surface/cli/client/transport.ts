import { CliError, messageOf } from "../errors.ts";
import { DaemonTimeout, DaemonUnreachable } from "./errors.ts";

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

/** Opens an exchange. The connection itself gets the 10 s that Node's fetch gives it. */
export async function open(target: Target, request: HttpRequest): Promise<Response> {
  const { body } = request;
  return withNetworkErrors(target, () =>
    fetch(`${target.baseUrl}${request.path}`, {
      method: request.method,
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
        ...request.headers,
      },
      // The daemon never redirects; following one could carry the token elsewhere.
      redirect: "manual",
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(request.signal && { signal: request.signal }),
    }),
  );
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A whole exchange within `timeoutMs`. */
export async function exchange(target: Target, request: HttpRequest, timeoutMs: number): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
  try {
    const response = await open(target, { ...request, signal });
    const text = await withNetworkErrors(target, () => response.text());
    return { status: response.status, headers: response.headers, text };
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
    if (error instanceof CliError || error instanceof DOMException) throw error;
    throw new DaemonUnreachable(target.baseUrl, networkReason(error));
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused (is it running? 'kheish serve' starts it)",
  ECONNRESET: "the connection broke",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name could not be resolved now",
  UND_ERR_CONNECT_TIMEOUT: "no connection within 10 s",
  UND_ERR_SOCKET: "the connection broke",
};

function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const known = typeof code === "string" ? reasons[code] : undefined;
  return known ?? (messageOf(cause) || String(code ?? "the request failed"));
}
