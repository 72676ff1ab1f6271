import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import Provider, { type Configuration } from "oidc-provider";

/** A request to the token endpoint, by what it asked for and how it ended. */
export interface TokenRequest {
  grant: string;
  params: URLSearchParams;
  status: number;
}

export interface IssuedTokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  scope: string;
}

/** A public client that everybody may be, for logins that a test makes by itself. */
export const TEST_CLIENT = "test-client";
/** A client with a secret. */
export const SECRET_CLIENT = { id: "confidential-client", secret: "the-secret-of-the-confidential-client" };
const REDIRECT = "http://127.0.0.1/callback";
export const SCOPES = ["tools:read", "tools:write"];

/**
 * A real authorization server (`oidc-provider`) on this machine: resource indicators, device codes, dynamic registration,
 * revocation, and refresh tokens that are replaced each time and betray whoever uses one twice. Beside it a resource that
 * it protects, as an MCP server is protected.
 */
export class AuthorizationServer {
  readonly requests: TokenRequest[] = [];
  /** Every answer with tokens in it. */
  readonly issued: IssuedTokens[] = [];
  /** Client id metadata documents as somebody has put them up, by URL. */
  readonly documents = new Map<string, string>();
  /** Looked at before a request is served; answers it, or lets it through with `false`. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false;
  readonly #server: Server;
  readonly #resourceAt: ((issuer: string) => Promise<string>) | undefined;
  #resource: string | undefined;
  #provider: Provider | undefined;

  /** `resourceAt` starts what tokens are for, and says where; by default it stands beside this server. */
  constructor({ resourceAt }: { resourceAt?: (issuer: string) => Promise<string> } = {}) {
    this.#resourceAt = resourceAt;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#resource = await this.#resourceAt?.(this.issuer);
    this.#provider = new Provider(this.issuer, {
      ...configuration(this.resource),
      fetch: async (url) => {
        const document = this.documents.get(String(url));
        return new Response(document ?? null, {
          status: document === undefined ? 404 : 200,
          headers: { "content-type": "application/json" },
        });
      },
    });
    this.#provider.on("grant.success", ({ body }) => this.issued.push(body as IssuedTokens));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What the tokens are for. */
  get resource(): string {
    return this.#resource ?? `${this.issuer}/mcp`;
  }

  get tokenEndpoint(): string {
    return `${this.issuer}/oauth/token`;
  }

  refreshes(status = 200): TokenRequest[] {
    return this.requests.filter((request) => request.grant === "refresh_token" && request.status === status);
  }

  /** A login of a person at a client of the test's own; what the client then holds. */
  async logIn(scopes: readonly string[] = SCOPES, resource = this.resource): Promise<IssuedTokens> {
    const verifier = "v".repeat(64);
    const digest = await crypto.subtle.digest("SHA-256", Buffer.from(verifier));
    const url = new URL(`${this.issuer}/auth`);
    const parameters = {
      response_type: "code",
      client_id: TEST_CLIENT,
      redirect_uri: REDIRECT,
      code_challenge: Buffer.from(digest).toString("base64url"),
      code_challenge_method: "S256",
      resource,
      scope: scopes.join(" "),
      state: "s",
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const back = await new Person().browse(url.href);
    const code = back.searchParams.get("code");
    if (code === null) throw new Error(`the login ended at ${back.href}`);
    return (await this.#token({
      grant_type: "authorization_code",
      code,
      redirect_uri: REDIRECT,
      code_verifier: verifier,
      resource,
    })) as IssuedTokens;
  }

  /** Uses a refresh token as somebody else would: from then on it is spent. */
  spend(refreshToken: string): Promise<object> {
    return this.#token({ grant_type: "refresh_token", refresh_token: refreshToken, resource: this.resource });
  }

  /** Takes a token back, as its owner does at the server itself. */
  async revoke(token: string): Promise<void> {
    const body = new URLSearchParams({ client_id: TEST_CLIENT, token });
    await fetch(`${this.issuer}/token/revocation`, { method: "POST", body });
  }

  async isActive(token: string): Promise<boolean> {
    const basic = Buffer.from(`${SECRET_CLIENT.id}:${SECRET_CLIENT.secret}`).toString("base64");
    const response = await fetch(`${this.issuer}/token/introspection`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
    });
    const { active } = (await response.json()) as { active: boolean };
    return active;
  }

  async #token(parameters: Record<string, string>): Promise<object> {
    const response = await fetch(this.tokenEndpoint, {
      method: "POST",
      body: new URLSearchParams({ client_id: TEST_CLIENT, ...parameters }),
    });
    const answer = (await response.json()) as object;
    // What a test does itself is none of the daemon's requests.
    this.requests.pop();
    return answer;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.intercept(request, response)) return;
    const { pathname } = new URL(request.url ?? "/", this.issuer);
    if (pathname.startsWith("/mcp")) return this.#challenge(response);
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return this.#describeResource(response);
    if (pathname.startsWith("/interaction/")) return this.#interact(request, response);
    if (pathname === "/oauth/token") await this.#note(request, response);
    await this.#provider?.callback()(request, response);
  }

  /** A form, or the same as JSON; the provider takes what is read already. */
  async #note(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request);
    const isJson = request.headers["content-type"]?.startsWith("application/json") === true;
    const params = isJson
      ? new URLSearchParams(JSON.parse(body) as Record<string, string>)
      : new URLSearchParams(body);
    if (isJson) request.headers["content-type"] = "application/x-www-form-urlencoded";
    Object.assign(request, { body: Object.fromEntries(params) });
    const entry = { grant: params.get("grant_type") ?? "", params, status: 0 };
    this.requests.push(entry);
    response.once("finish", () => {
      entry.status = response.statusCode;
    });
  }

  /** Everybody is the same person, and has come to log in and to agree. */
  async #interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#provider?.interactionFinished(request, response, {
      login: { accountId: "person" },
      consent: {},
    });
  }

  #challenge(response: ServerResponse): void {
    const metadata = `${this.issuer}/.well-known/oauth-protected-resource/mcp`;
    response
      .writeHead(401, {
        "www-authenticate": `Bearer resource_metadata="${metadata}", scope="${SCOPES.join(" ")}"`,
      })
      .end();
  }

  #describeResource(response: ServerResponse): void {
    const document = {
      resource: this.resource,
      authorization_servers: [this.issuer],
      scopes_supported: SCOPES,
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  }
}

function configuration(resource: string): Configuration {
  return {
    clients: [
      {
        client_id: TEST_CLIENT,
        application_type: "native",
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
      },
      {
        client_id: SECRET_CLIENT.id,
        client_secret: SECRET_CLIENT.secret,
        application_type: "native",
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    cookies: { keys: ["of-a-test"] },
    scopes: ["openid", "offline_access"],
    clientAuthMethods: ["none", "client_secret_basic", "client_secret_post"],
    routes: { token: "/oauth/token" },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    /** Whoever logs in agrees to everything. */
    async loadExistingGrant({ oidc }) {
      const { client, session, provider } = oidc;
      const grant = new provider.Grant({
        ...(client === undefined ? {} : { clientId: client.clientId }),
        ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
      });
      grant.addOIDCScope("openid offline_access");
      const { params } = oidc;
      const wanted = typeof params?.resource === "string" ? params.resource : resource;
      grant.addResourceScope(wanted, SCOPES.join(" "));
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      registration: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (context, form) => {
          context.body = form;
        },
        userCodeConfirmSource: (context, form) => {
          context.body = form;
        },
        successSource: (context) => {
          context.body = "done";
        },
      },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, indicator) => ({
          scope: SCOPES.join(" "),
          audience: indicator,
          accessTokenTTL: 3_600,
          accessTokenFormat: "opaque",
        }),
      },
    },
  };
}

/** Somebody at a browser: follows where they are sent, keeps cookies, and presses the button of each form. */
export class Person {
  readonly #cookies = new Map<string, string>();

  /** Where they end up: the first page that is not the server's own, or that has no form to send. */
  async browse(start: string): Promise<URL> {
    const origin = new URL(start).origin;
    let url = new URL(start);
    let body: URLSearchParams | undefined;
    for (let step = 0; step < 20; step++) {
      if (url.origin !== origin) return url;
      const response = await fetch(url, {
        redirect: "manual",
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        ...(body === undefined ? {} : { method: "POST", body }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        this.#cookies.set(name, value);
      }
      const location = response.headers.get("location");
      const page = await response.text();
      body = undefined;
      if (location !== null) {
        url = new URL(location, url);
        continue;
      }
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined) return url;
      const inputs = page.matchAll(/<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?/g);
      body = new URLSearchParams([...inputs].map(([, name = "", value = ""]) => [name, value]));
      url = new URL(action.replaceAll("&amp;", "&"), url);
    }
    throw new Error(`the browser went round in circles at ${url.href}`);
  }
}
