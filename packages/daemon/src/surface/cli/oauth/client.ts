import {
  type Client,
  type ClientAuth,
  dynamicClientRegistrationRequest,
  processDynamicClientRegistrationResponse,
} from "oauth4webapi";
import { authenticationOf } from "../../../governance/accounts/token-endpoint.ts";
import type { Discovered } from "./discovery.ts";
import { asking, LoginError, type LoginPorts, requestOptions } from "./ports.ts";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** Who we are to an authorization server. */
export interface LoginClient {
  party: Client;
  secret?: string;
  /** Of a client with a secret. */
  method?: "client_secret_basic" | "client_secret_post";
  authentication: ClientAuth;
}

/** What an operator has put up for others to read, as the client id of a document. */
export function clientMetadata(clientId: string): object {
  return { client_id: clientId, ...metadata(["http://127.0.0.1/callback"], true) };
}

/**
 * The client that an operator named: a registered one, or the https URL of a client id metadata document. Where none was
 * named, one is registered for this login (02-R60).
 */
export async function clientFor(
  server: Discovered["server"],
  given: { id?: string | undefined; secret?: string | undefined },
  redirectUri: string | undefined,
  ports: LoginPorts,
): Promise<LoginClient> {
  if (given.id !== undefined) {
    const isDocument = given.id.startsWith("https://");
    if (isDocument && Reflect.get(server, "client_id_metadata_document_supported") !== true) {
      throw new LoginError(
        `the authorization server ${server.issuer} does not take a URL as client id: register a client there, or leave --client-id out`,
      );
    }
    return named(server, given.id, given.secret);
  }
  if (given.secret !== undefined) throw new LoginError("a client secret needs its --client-id");
  if (server.registration_endpoint === undefined) {
    throw new LoginError(
      `the authorization server ${server.issuer} registers no clients by itself: name one with --client-id`,
    );
  }
  const { signal, ...options } = requestOptions(ports);
  const client = await asking("the registration", async () => {
    const uris = redirectUri === undefined ? [] : [redirectUri];
    const body = metadata(uris, redirectUri === undefined);
    const response = await dynamicClientRegistrationRequest(server, body, { ...options, signal });
    return processDynamicClientRegistrationResponse(response);
  });
  const secret = typeof client.client_secret === "string" ? client.client_secret : undefined;
  return named(server, client.client_id, secret);
}

/** A public client: what a program on somebody's machine holds is no secret of its makers (02-R60). */
function metadata(redirectUris: readonly string[], withDevice: boolean) {
  return {
    client_name: "Kheish",
    application_type: "native",
    redirect_uris: [...redirectUris],
    grant_types: ["authorization_code", "refresh_token", ...(withDevice ? [DEVICE_GRANT] : [])].filter(
      (grant) => redirectUris.length > 0 || grant !== "authorization_code",
    ),
    response_types: redirectUris.length > 0 ? ["code"] : [],
    token_endpoint_auth_method: "none",
  };
}

function named(server: Discovered["server"], client_id: string, secret: string | undefined): LoginClient {
  const party = { client_id };
  if (secret === undefined) return { party, authentication: authenticationOf(secret, undefined) };
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const method = methods.includes("client_secret_basic") ? "client_secret_basic" : "client_secret_post";
  return { party, secret, method, authentication: authenticationOf(secret, method) };
}
