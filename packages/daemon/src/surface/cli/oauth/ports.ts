import { oauthUrlProblem } from "@kheish/contract";
import { allowInsecureRequests, customFetch, ResponseBodyError } from "oauth4webapi";
import { withoutIdToken } from "../../../governance/accounts/token-endpoint.ts";
import { CliError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";

export type Fetch = typeof globalThis.fetch;

/** A login that cannot be completed; the message is for the person who is logging in. */
export class LoginError extends CliError {
  constructor(message: string, notes: readonly string[] = [], exitCode: ExitCode = ExitCode.failure) {
    super(message, exitCode, notes);
    this.name = "LoginError";
  }
}

const REQUEST_MS = 15_000;

/** How a login reaches servers: nothing is followed, nothing takes longer than a person would wait. */
export interface LoginPorts {
  fetch: Fetch;
  now: () => number;
  /** Lets `http` go to this machine (02-R61). */
  allowHttpForLoopback: boolean;
}

/** A URL that a login may use; `what` names it to the person (02-R61). */
export function checkedUrl(text: string, what: string, { allowHttpForLoopback }: LoginPorts): URL {
  const problem = oauthUrlProblem(text);
  if (problem !== undefined) throw new LoginError(`${what} ${problem}`);
  const url = new URL(text);
  if (url.protocol === "http:" && !allowHttpForLoopback)
    throw new LoginError(`${what} is http: add --allow-http-for-loopback, for a server on this machine`);
  return url;
}

/** A document of a server; undefined when it has none at this address. */
export async function getDocument(url: URL, ports: LoginPorts): Promise<Response | undefined> {
  const response = await get(url, ports, "application/json");
  return response.status === 200 ? response : undefined;
}

export async function get(url: URL, ports: LoginPorts, accept: string): Promise<Response> {
  try {
    return await ports.fetch(url, {
      headers: { accept },
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_MS),
    });
  } catch {
    throw new LoginError(`cannot reach ${url.origin}`, [], ExitCode.unreachable);
  }
}

/** Options of every request that the OAuth library makes; which URLs they go to is checked before. */
export function requestOptions({ fetch }: LoginPorts) {
  return {
    signal: () => AbortSignal.timeout(REQUEST_MS),
    [allowInsecureRequests]: true as const,
    [customFetch]: withoutIdToken(fetch),
  };
}

/** What a server refused, in OAuth's own word for it; what else it wrote is not repeated (02-R57). */
export async function asking<T>(what: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof LoginError) throw error;
    if (error instanceof ResponseBodyError)
      throw new LoginError(`${what} was refused: ${word(error.error)} (HTTP ${error.status})`);
    throw new LoginError(`${what} failed: ${reasonOf(error)}`);
  }
}

/** An error or a scope as OAuth spells them; anything else is not repeated. */
export function word(text: string): string {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(text) ? text : "an unknown one";
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unexpected answer";
  if (error.name === "TimeoutError" || error.name === "AbortError") return "the server took too long";
  if (error instanceof TypeError) return "the server cannot be reached";
  // The library's own sentences: they name what is wrong with an answer, never what stood in it.
  return error.message;
}
