import * as oauth from "oauth4webapi";
import { type Tokens, tokensOf, unapproved } from "../../../governance/accounts/token-endpoint.ts";
import type { CliClock } from "../context.ts";
import { ExitCode } from "../exit-codes.ts";
import { openCallback } from "./callback.ts";
import { clientFor, type LoginClient } from "./client.ts";
import type { Discovered } from "./discovery.ts";
import { asking, LoginError, type LoginPorts, requestOptions, word } from "./ports.ts";

export interface LoginRequest {
  found: Discovered;
  client: { id?: string | undefined; secret?: string | undefined };
  scopes: readonly string[];
  timeoutMs: number;
  clock: CliClock;
  ports: LoginPorts;
}

export interface LoggedIn {
  client: LoginClient;
  tokens: Tokens;
}

/** What a person has to see to log in, from this machine or from any other one. */
export type Prompt =
  | { authorization_url: string; redirect_uri: string }
  | { verification_uri: string; verification_uri_complete?: string; user_code: string; expires_in: number };

/** Authorization code with PKCE, over a browser on this machine (02-R60). */
export async function logInWithBrowser(
  request: LoginRequest & { callbackPort: number },
  show: (prompt: Extract<Prompt, { authorization_url: string }>) => void,
): Promise<LoggedIn> {
  const { found, scopes, ports } = request;
  const { server, resource } = found;
  const callback = await openCallback(request.callbackPort);
  try {
    const { redirectUri } = callback;
    const client = await clientFor(server, request.client, redirectUri, ports);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(server.authorization_endpoint);
    const parameters = {
      response_type: "code",
      client_id: client.party.client_id,
      redirect_uri: redirectUri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      resource,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answered = callback.answered(state);
    show({ authorization_url: url.href, redirect_uri: redirectUri });
    const answer = await within(answered, request);
    return await asking("the login", async () => {
      const code = accepted(server, client.party, answer, state);
      const { signal, ...options } = requestOptions(ports);
      const askedAt = ports.now();
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client.party,
        client.authentication,
        code,
        redirectUri,
        verifier,
        { ...options, signal, additionalParameters: { resource } },
      );
      const granted = await oauth.processAuthorizationCodeResponse(server, client.party, response);
      return { client, tokens: approved(tokensOf(granted, askedAt), scopes) };
    });
  } finally {
    callback.close();
  }
}

/** Device authorization (RFC 8628), for a machine without a browser. */
export async function logInWithDevice(
  request: LoginRequest,
  show: (prompt: Extract<Prompt, { user_code: string }>) => void,
): Promise<LoggedIn> {
  const { found, scopes, clock, ports } = request;
  const { server, resource } = found;
  if (server.device_authorization_endpoint === undefined)
    throw new LoginError(`the authorization server ${server.issuer} offers no login by device code`);
  const client = await clientFor(server, request.client, undefined, ports);
  const { signal, ...options } = requestOptions(ports);
  const device = await asking("the login by device code", async () => {
    const parameters = { resource, ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }) };
    const response = await oauth.deviceAuthorizationRequest(
      server,
      client.party,
      client.authentication,
      parameters,
      { ...options, signal },
    );
    return oauth.processDeviceAuthorizationResponse(server, client.party, response);
  });
  const { verification_uri, verification_uri_complete, user_code, expires_in } = device;
  show({
    verification_uri,
    ...(verification_uri_complete === undefined ? {} : { verification_uri_complete }),
    user_code,
    expires_in,
  });
  const deadline = clock.now() + Math.min(request.timeoutMs, expires_in * 1_000);
  let intervalMs = (device.interval ?? 5) * 1_000;
  for (;;) {
    if (clock.now() + intervalMs > deadline) throw tooLate();
    await clock.sleep(intervalMs);
    const askedAt = ports.now();
    const tokens = await asking("the login by device code", async () => {
      try {
        const response = await oauth.deviceCodeGrantRequest(
          server,
          client.party,
          client.authentication,
          device.device_code,
          { ...options, signal, additionalParameters: { resource } },
        );
        return tokensOf(await oauth.processDeviceCodeResponse(server, client.party, response), askedAt);
      } catch (error) {
        if (!(error instanceof oauth.ResponseBodyError)) throw error;
        if (error.error === "slow_down") intervalMs += 5_000;
        else if (error.error !== "authorization_pending") throw error;
        return undefined;
      }
    });
    if (tokens !== undefined) return { client, tokens: approved(tokens, scopes) };
  }
}

function accepted(server: Discovered["server"], client: oauth.Client, answer: URL, state: string) {
  try {
    return oauth.validateAuthResponse(server, client, answer, state);
  } catch (error) {
    if (!(error instanceof oauth.AuthorizationResponseError)) throw error;
    throw new LoginError(`the login was refused: ${word(error.error)}`);
  }
}

/** 02-R58. */
function approved(tokens: Tokens, scopes: readonly string[]): Tokens {
  const more = unapproved(tokens.scopes, scopes);
  if (more.length === 0) return tokens;
  throw new LoginError(
    `the authorization server granted more than was asked for (${more.map(word).join(", ")}): nothing was kept`,
  );
}

async function within(answer: Promise<URL>, { clock, timeoutMs }: LoginRequest): Promise<URL> {
  const over = new AbortController();
  try {
    const late = clock.sleep(timeoutMs, over.signal).then(() => undefined);
    const url = await Promise.race([answer, late]);
    if (url === undefined) throw tooLate();
    return url;
  } finally {
    over.abort();
  }
}

function tooLate(): LoginError {
  return new LoginError("nobody has logged in in time", [], ExitCode.timeout);
}
