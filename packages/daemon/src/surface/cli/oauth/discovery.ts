import { isSameResource } from "@kheish/contract";
import { type AuthorizationServer, processDiscoveryResponse } from "oauth4webapi";
import { z } from "zod";
import { asking, checkedUrl, get, getDocument, LoginError, type LoginPorts } from "./ports.ts";

/** Who lets one in to a resource, and which scopes that asks for. */
export interface Discovered {
  /** As its own metadata calls it. */
  resource: string;
  /** What the resource says a caller needs; empty when it says nothing. */
  scopes: readonly string[];
  server: AuthorizationServer & { authorization_endpoint: string; token_endpoint: string };
}

const ResourceMetadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()).min(1),
  scopes_supported: z.array(z.string()).optional(),
});

/** From the URL of a resource to the server that it trusts (02-R60). */
export async function discover(target: string, ports: LoginPorts): Promise<Discovered> {
  const url = checkedUrl(target, "the resource", ports);
  const challenge = await challengeOf(url, ports);
  const metadata = await resourceMetadata(url, challenge.metadata, ports);
  if (!isSameResource(metadata.resource, target)) {
    throw new LoginError(
      `${url.origin} describes the resource ${metadata.resource}, not ${target}: use that as --url if it is what you mean`,
    );
  }
  const [issuer = ""] = metadata.authorization_servers;
  const server = await serverMetadata(checkedUrl(issuer, "the issuer", ports), ports);
  return {
    resource: metadata.resource,
    scopes: challenge.scopes ?? metadata.scopes_supported ?? [],
    server,
  };
}

interface Challenge {
  metadata?: string;
  scopes?: string[];
}

/** What the resource says to somebody without a token. */
async function challengeOf(url: URL, ports: LoginPorts): Promise<Challenge> {
  const response = await get(url, ports, "application/json, text/event-stream");
  await response.body?.cancel();
  const header = response.status === 401 ? (response.headers.get("www-authenticate") ?? "") : "";
  const metadata = parameter(header, "resource_metadata");
  const scope = parameter(header, "scope");
  return {
    ...(metadata === undefined ? {} : { metadata }),
    ...(scope === undefined ? {} : { scopes: scope.split(" ").filter((one) => one !== "") }),
  };
}

function parameter(header: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|[\\s,])${name}="([^"\\\\]*)"`, "i").exec(header);
  return found?.[1];
}

async function resourceMetadata(url: URL, named: string | undefined, ports: LoginPorts) {
  const path = url.pathname.replace(/\/+$/, "");
  const wellKnown = "/.well-known/oauth-protected-resource";
  const places = [
    ...(named === undefined ? [] : [checkedUrl(named, "the metadata of the resource", ports)]),
    ...(path === "" ? [] : [new URL(`${url.origin}${wellKnown}${path}`)]),
    new URL(`${url.origin}${wellKnown}`),
  ];
  for (const place of places) {
    const found = ResourceMetadata.safeParse(await jsonOf(await getDocument(place, ports)));
    if (found.success) return found.data;
  }
  throw new LoginError(`${url.origin} does not say who lets one in: it has no protected-resource metadata`);
}

async function jsonOf(response: Response | undefined): Promise<unknown> {
  return response?.json().catch(() => undefined);
}

async function serverMetadata(issuer: URL, ports: LoginPorts): Promise<Discovered["server"]> {
  const path = issuer.pathname.replace(/\/+$/, "");
  const places = [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}/.well-known/openid-configuration${path}`,
    ...(path === "" ? [] : [`${issuer.origin}${path}/.well-known/openid-configuration`]),
  ];
  for (const place of places) {
    const response = await getDocument(new URL(place), ports);
    if (response === undefined) continue;
    // Refuses the metadata of another issuer.
    const server = await asking(`reading the metadata of ${issuer.href}`, () =>
      processDiscoveryResponse(issuer, response),
    );
    return checkedServer(server, ports);
  }
  throw new LoginError(`the authorization server ${issuer.href} has no metadata`);
}

function checkedServer(server: AuthorizationServer, ports: LoginPorts): Discovered["server"] {
  const { authorization_endpoint, token_endpoint, issuer } = server;
  if (authorization_endpoint === undefined || token_endpoint === undefined)
    throw new LoginError(`the authorization server ${issuer} lets nobody log in: it has no endpoints for it`);
  const methods = server.code_challenge_methods_supported;
  if (methods !== undefined && !methods.includes("S256"))
    throw new LoginError(`the authorization server ${issuer} does not support PKCE with S256`);
  for (const name of ENDPOINTS) {
    const url = server[name];
    if (url !== undefined) checkedUrl(url, `the ${name} of ${issuer}`, ports);
  }
  return { ...server, authorization_endpoint, token_endpoint };
}

const ENDPOINTS = [
  "authorization_endpoint",
  "token_endpoint",
  "registration_endpoint",
  "revocation_endpoint",
  "device_authorization_endpoint",
] as const;
