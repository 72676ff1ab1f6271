import type { OAuthAccount } from "@kheish/contract";
import * as oauth from "oauth4webapi";
import { type Clock, sleep } from "../../kernel/clock.ts";

export type Fetch = typeof globalThis.fetch;

export interface TokenPorts {
  clock: Clock;
  /** Every request to an authorization server goes through it. */
  fetch: Fetch;
}

/** What a provider answered to a refresh. */
export interface Tokens {
  access_token: string;
  /** Present when the provider has replaced the old one. */
  refresh_token?: string;
  /** By our clock, from before the provider was asked; absent when it does not say. */
  expires_at_ms?: number;
  /** Absent when they are those that were asked for. */
  scopes?: string[];
}

/**
 * `rejected`: the provider will not give this account any more tokens. `failed`: another attempt may go better; `why` is
 * a word for people and logs. What the provider wrote is in neither (02-R57).
 */
export type TokenAnswer =
  | { kind: "tokens"; tokens: Tokens }
  | { kind: "rejected"; why: string }
  | { kind: "failed"; why: string };

/** An authorization server that takes longer is as good as not there. */
const TIMEOUT_MS = 15_000;

/** Words of RFC 6749 and its extensions that may be repeated; everything else a provider writes stays with it. */
const KNOWN_ERRORS = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
]);

/**
 * Asks the account's provider for new tokens. Together with `revokeTokens` the only place of the daemon from which a
 * credential leaves for an authorization server: an external action that is recorded is recorded around these two.
 */
export async function requestTokens(
  account: OAuthAccount,
  refreshToken: string,
  ports: TokenPorts,
): Promise<TokenAnswer> {
  const { server, client, authentication } = partiesOf(account);
  const askedAt = ports.clock.now();
  return within(ports, async (options) => {
    try {
      const parameters = account.kind === "mcp_o_auth_account" ? { resource: account.resource } : {};
      const fetch = account.kind === "claude_code_account" ? withJsonBody(ports.fetch) : ports.fetch;
      const response = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, {
        ...options,
        [oauth.customFetch]: withoutIdToken(fetch),
        additionalParameters: parameters,
      });
      const answer = await oauth.processRefreshTokenResponse(server, client, response);
      return { kind: "tokens", tokens: tokensOf(answer, askedAt) };
    } catch (error) {
      return failureOf(error);
    }
  });
}

/** Gives the account's tokens back (RFC 7009); never rejects. `not_offered`: the provider takes none back. */
export async function revokeTokens(
  account: OAuthAccount,
  ports: TokenPorts,
): Promise<"revoked" | "failed" | "not_offered"> {
  if (account.kind !== "mcp_o_auth_account" || account.revocation_endpoint === undefined)
    return "not_offered";
  const { server, client, authentication } = partiesOf(account);
  const token = account.refresh_token ?? account.access_token;
  return within(ports, async (options) => {
    try {
      const response = await oauth.revocationRequest(server, client, authentication, token, {
        ...options,
        [oauth.customFetch]: ports.fetch,
      });
      await oauth.processRevocationResponse(response);
      return "revoked";
    } catch {
      return "failed";
    }
  });
}

interface Parties {
  server: oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: oauth.ClientAuth;
}

function partiesOf(account: OAuthAccount): Parties {
  const { client_id } = account;
  const client = { client_id };
  const publicClient = { client, authentication: oauth.None() };
  switch (account.kind) {
    case "codex_account": {
      const { issuer } = account;
      return {
        server: { issuer, token_endpoint: `${issuer.replace(/\/$/, "")}/oauth/token` },
        ...publicClient,
      };
    }
    case "claude_code_account": {
      const { token_url } = account;
      return { server: { issuer: token_url, token_endpoint: token_url }, ...publicClient };
    }
    case "mcp_o_auth_account": {
      const { issuer, token_endpoint, revocation_endpoint, client_secret, token_endpoint_auth_method } =
        account;
      const server = {
        issuer,
        token_endpoint,
        ...(revocation_endpoint === undefined ? {} : { revocation_endpoint }),
      };
      return { server, client, authentication: authenticationOf(client_secret, token_endpoint_auth_method) };
    }
  }
}

/** How a client shows who it is; one without a secret says its name only. */
export function authenticationOf(
  secret: string | null | undefined,
  method: "client_secret_basic" | "client_secret_post" | undefined,
): oauth.ClientAuth {
  if (secret === undefined || secret === null) return oauth.None();
  return method === "client_secret_post" ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret);
}

/** The answer as the daemon keeps it. Throws for a token that is not a bearer token (02-R60). */
export function tokensOf(answer: oauth.TokenEndpointResponse, askedAtMs: number): Tokens {
  const { token_type, access_token, refresh_token, expires_in, scope } = answer;
  if (token_type.toLowerCase() !== "bearer") throw new NotBearer();
  return {
    access_token,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(expires_in === undefined ? {} : { expires_at_ms: askedAtMs + expires_in * 1_000 }),
    ...(scope === undefined ? {} : { scopes: scope.split(" ").filter((one) => one !== "") }),
  };
}

class NotBearer extends Error {}

/** Which of the scopes in an answer nobody has approved (02-R58); none where nothing is known to be approved. */
export function unapproved(granted: readonly string[] | undefined, approved: readonly string[]): string[] {
  if (approved.length === 0) return [];
  return (granted ?? []).filter((scope) => !approved.includes(scope));
}

function failureOf(error: unknown): TokenAnswer {
  if (error instanceof NotBearer || error instanceof oauth.UnsupportedOperationError)
    return { kind: "rejected", why: "token_type" };
  if (error instanceof oauth.ResponseBodyError) {
    const { error: code, status } = error;
    return isPassing(status) || !KNOWN_ERRORS.has(code) ? passing(status) : { kind: "rejected", why: code };
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) return refusedWith(error.status);
  if (error instanceof oauth.OperationProcessingError) {
    const status = statusIn(error.cause);
    return status === undefined || status === 200 ? { kind: "failed", why: "decode" } : refusedWith(status);
  }
  if (error instanceof Error && error.name === "AbortError") return { kind: "failed", why: "timeout" };
  return { kind: "failed", why: error instanceof TypeError ? "connect" : "internal" };
}

/** Of a response, whoever made its class: servers replace the global one. */
function statusIn(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null || !("status" in cause)) return undefined;
  return typeof cause.status === "number" ? cause.status : undefined;
}

/**
 * An answer that is none of OAuth's. Vendors say 400 and 401 in a form of their own; any other status may be that of
 * something in between, and ends no login.
 */
function refusedWith(status: number): TokenAnswer {
  return status === 400 || status === 401 ? { kind: "rejected", why: `status_${status}` } : passing(status);
}

function passing(status: number): TokenAnswer {
  return { kind: "failed", why: `status_${status}` };
}

function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

interface RequestOptions {
  signal: AbortSignal;
  [oauth.allowInsecureRequests]: true;
}

/** `http` passes: that it goes to this very machine is checked where a URL comes in (02-R61). */
async function within<T>(
  { clock }: TokenPorts,
  request: (options: RequestOptions) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  void sleep(clock, TIMEOUT_MS, done.signal).then(() => over.abort());
  try {
    return await request({ signal: over.signal, [oauth.allowInsecureRequests]: true });
  } finally {
    done.abort();
  }
}

/** Who the account belongs to is not asked here: an identity token is left out before anybody judges it. */
export function withoutIdToken(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.status !== 200) return response;
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (typeof answer !== "object" || answer === null || !("id_token" in answer)) return response;
    const { id_token: _left, ...rest } = answer;
    return Response.json(rest);
  };
}

/** The endpoint of Claude Code reads JSON, where every other one reads a form. */
function withJsonBody(fetch: Fetch): Fetch {
  return (input, init) => {
    const { body } = init ?? {};
    if (!(body instanceof URLSearchParams)) return fetch(input, init);
    const headers = new Headers(init?.headers);
    headers.set("content-type", "application/json");
    return fetch(input, { ...init, headers, body: JSON.stringify(Object.fromEntries(body)) });
  };
}
