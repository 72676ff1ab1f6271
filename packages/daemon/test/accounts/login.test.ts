import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CliClock } from "../../src/surface/cli/context.ts";
import { type CliSetup, FakeMachine } from "../../src/surface/cli/testing/run-cli.ts";
import { useDaemon } from "../http/support/fixture.ts";
import { AuthorizationServer, Person, SECRET_CLIENT, TEST_CLIENT } from "../support/authorization-server.ts";

const server = new AuthorizationServer();
const fixture = useDaemon(async () => "sqlite", {
  env: { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" },
});

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.requests.length = 0;
  server.intercept = () => false;
});

/** Patience ends with what is waited for; the pauses between two questions cost nothing. */
const clock: CliClock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    ms < 60_000
      ? new Promise((resolve) => setImmediate(resolve))
      : new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true })),
};

interface Visit {
  /** Given the URL that the person is sent to. */
  visit?: (url: string) => Promise<unknown>;
}

const goThere = async (url: string) => fetch(await new Person().browse(url));

async function oauth(argv: readonly string[], { visit = goThere, ...setup }: Visit & CliSetup = {}) {
  const machine = new FakeMachine({ clock, workingDirectory: fixture.daemon.directory, ...setup });
  const visited: Promise<unknown>[] = [];
  Object.assign(machine.context.host, { openUrl: (url: string) => visited.push(visit(url)) });
  const result = await machine.run(
    "--base-url",
    fixture.daemon.baseUrl,
    "--output",
    "json",
    "mcp",
    "oauth",
    ...argv,
  );
  await Promise.all(visited);
  return { ...result, machine };
}

const login = (id: string, argv: readonly string[] = [], setup: Visit & CliSetup = {}) =>
  oauth(["login", id, "--url", server.resource, "--allow-http-for-loopback", ...argv], setup);

describe("kheish mcp oauth login", () => {
  test("02-R60 finds the server from the resource, registers itself, and keeps what the person agreed to", async () => {
    let seen = new URL("http://nowhere");
    const done = await login("tracker", [], {
      visit: async (url) => {
        seen = new URL(url);
        const back = await goThere(url);
        expect(back.status).toBe(200);
      },
    });
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(done.stdout)).toMatchObject({
      slot_id: "mcp.oauth.tracker",
      summary: "mcp_oauth_account:tracker",
      account_state: "ready",
      details: {
        issuer: server.issuer,
        resource: server.resource,
        token_endpoint: server.tokenEndpoint,
        scopes: ["tools:read", "tools:write"],
      },
    });
    const query = Object.fromEntries(seen.searchParams);
    expect(query).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      resource: server.resource,
      scope: "tools:read tools:write",
    });
    expect(Object.keys(query).sort()).toEqual([
      "client_id",
      "code_challenge",
      "code_challenge_method",
      "redirect_uri",
      "resource",
      "response_type",
      "scope",
      "state",
    ]);
    expect(query.redirect_uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const prompt = {
      authorization_url: seen.href,
      redirect_uri: query.redirect_uri,
      slot_id: "mcp.oauth.tracker",
    };
    expect(JSON.parse(done.stderr)).toEqual(prompt);
    const [exchange] = server.requests;
    expect(exchange?.params.get("resource")).toBe(server.resource);
    expect(exchange?.params.get("code_verifier")).toMatch(/^.{43,}$/);

    const status = await oauth(["status", "tracker"]);
    expect(JSON.parse(status.stdout)).toEqual(JSON.parse(done.stdout));
    const refreshed = await oauth(["refresh", "tracker"]);
    expect(JSON.parse(refreshed.stdout)).toMatchObject({ details: { last_refresh_outcome: "ok" } });
    // A second login needs no URL: it goes where the first one went.
    expect(await oauth(["login", "tracker", "--allow-http-for-loopback"])).toMatchObject({ code: 0 });
    const gone = await oauth(["logout", "tracker"]);
    expect(JSON.parse(gone.stdout)).toMatchObject({ accepted: true, provider_revocation: "revoked" });
    expect(await oauth(["status", "tracker"])).toMatchObject({ code: 5 });
    expect(await oauth(["login", "tracker"])).toMatchObject({ code: 2 });
  });

  test("02-R60 with --no-open says where to go, and opens nothing", async () => {
    const machine = new FakeMachine({ clock, workingDirectory: fixture.daemon.directory });
    const running = machine.run(
      ...["--base-url", fixture.daemon.baseUrl, "--output", "json", "mcp", "oauth", "login", "quiet"],
      ...["--url", server.resource, "--allow-http-for-loopback", "--no-open", "--scopes", "tools:read"],
    );
    const prompted = Promise.withResolvers<string>();
    Object.assign(machine.context.terminal, { err: (text: string) => prompted.resolve(text) });
    const { authorization_url, slot_id } = JSON.parse(await prompted.promise);
    expect(slot_id).toBe("mcp.oauth.quiet");
    await goThere(authorization_url);
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ details: { scopes: ["tools:read"] } });
    expect(machine.openedUrls).toEqual([]);
  });

  test("a login by device code needs no browser on this machine", async () => {
    const machine = new FakeMachine({ clock, workingDirectory: fixture.daemon.directory });
    let visit: Promise<unknown> | undefined;
    Object.assign(machine.context.terminal, {
      err: (text: string) => {
        const { verification_uri_complete, user_code } = JSON.parse(text);
        expect(verification_uri_complete).toContain(user_code);
        visit = new Person().browse(verification_uri_complete);
      },
    });
    const { code, stdout } = await machine.run(
      ...["--base-url", fixture.daemon.baseUrl, "--output", "json", "mcp", "oauth", "login", "device"],
      ...["--url", server.resource, "--allow-http-for-loopback", "--device"],
    );
    await visit;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      account_state: "ready",
      details: { resource: server.resource },
    });
    expect(server.requests.some(({ status }) => status === 400)).toBe(true);
    expect(JSON.parse((await oauth(["refresh", "device"])).stdout)).toMatchObject({ account_state: "ready" });
  });

  test("02-R60 a client with a secret shows it as its server wants, also at each refresh", async () => {
    await writeFile(join(fixture.daemon.directory, "client-secret"), `${SECRET_CLIENT.secret}\n`);
    const flags = ["--client-id", SECRET_CLIENT.id, "--client-secret-file", "client-secret"];
    const done = await login("confidential", flags);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(done.stdout)).toMatchObject({ details: { client_id: SECRET_CLIENT.id } });
    expect(done.stdout + done.stderr).not.toContain(SECRET_CLIENT.secret);
    expect(await oauth(["refresh", "confidential"])).toMatchObject({ code: 0 });
    expect(server.requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(await login("x", ["--client-secret", "alone"])).toMatchObject({ code: 1 });
    expect(await login("x", [...flags, "--client-secret", "twice"])).toMatchObject({ code: 2 });
  });

  test("02-R60 a callback that does not know the login's state ends nothing", async () => {
    const done = await login("stateful", ["--client-id", TEST_CLIENT], {
      visit: async (url) => {
        const redirect = new URL(new URL(url).searchParams.get("redirect_uri") ?? "");
        for (const query of ["", "?code=stolen&state=guessed", "?error=access_denied"]) {
          expect((await fetch(`${redirect}${query}`)).status).toBe(400);
        }
        expect((await fetch(new URL("/elsewhere", redirect))).status).toBe(400);
        await goThere(url);
      },
    });
    expect(done, done.stderr).toMatchObject({ code: 0 });
  });

  test("says in a word why the person was sent back without a login, and keeps nothing", async () => {
    const done = await login("refused", [], {
      visit: async (url) => {
        const { searchParams } = new URL(url);
        const back = new URL(searchParams.get("redirect_uri") ?? "");
        back.searchParams.set("state", searchParams.get("state") ?? "");
        back.searchParams.set("iss", server.issuer);
        back.searchParams.set("error", "access_denied");
        back.searchParams.set("error_description", "words of somebody else");
        await fetch(back);
      },
    });
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("the login was refused: access_denied");
    expect(done.stderr).not.toContain("words of somebody else");
    expect(await oauth(["status", "refused"])).toMatchObject({ code: 5 });
  });

  test("ends with 7 when nobody logs in in time", async () => {
    const impatient: CliClock = { ...clock, sleep: () => new Promise((resolve) => setImmediate(resolve)) };
    expect(await login("late", [], { clock: impatient, visit: async () => undefined })).toMatchObject({
      code: 7,
    });
  });

  test("02-R61 http is for this machine only, and only when it is said", async () => {
    const silent = await oauth(["login", "x", "--url", server.resource]);
    expect(silent).toMatchObject({ code: 1 });
    expect(silent.stderr).toContain("--allow-http-for-loopback");
    const remote = await oauth([
      "login",
      "x",
      "--url",
      "http://mcp.example/mcp",
      "--allow-http-for-loopback",
    ]);
    expect(remote.stderr).toContain("must be https, or http on 127.0.0.1");
    const query = await oauth(["login", "x", "--url", "https://mcp.example/mcp?API-Key=abcdef"]);
    expect(query.stderr).toContain("must not carry a secret in its query");
    expect(query.stderr).not.toContain("abcdef");
  });

  test("02-R52 a slot is of the namespace of these accounts", async () => {
    const done = await login("x", ["--slot", "mcp.tracker"]);
    expect(done).toMatchObject({ code: 2 });
    expect(done.stderr).toContain("mcp.oauth.");
  });
});

describe("02-R60 a server that is not what it says is refused:", () => {
  const answering = (path: string, change: (document: Record<string, unknown>) => object) => {
    server.intercept = async (request, response) => {
      if (!request.url?.startsWith(path)) return false;
      server.intercept = () => false;
      const document = (await (await fetch(`${server.issuer}${request.url}`)).json()) as Record<
        string,
        unknown
      >;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...document, ...change(document) }));
      return true;
    };
  };
  const METADATA = "/.well-known/oauth-authorization-server";
  const RESOURCE = "/.well-known/oauth-protected-resource";

  test.each<[string, string, object, string]>([
    ["metadata of another issuer", METADATA, { issuer: "https://other.example" }, "reading the metadata of"],
    [
      "metadata of another resource",
      RESOURCE,
      { resource: "https://other.example/mcp" },
      "describes the resource",
    ],
    ["no PKCE with S256", METADATA, { code_challenge_methods_supported: ["plain"] }, "PKCE with S256"],
    ["an endpoint over http elsewhere", METADATA, { token_endpoint: "http://a.example/t" }, "token_endpoint"],
    ["no way to register", METADATA, { registration_endpoint: undefined }, "--client-id"],
  ])("%s", async (_name, path, change, sentence) => {
    answering(path, () => change);
    const done = await login("wrong");
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).toContain(sentence);
    expect(server.requests).toEqual([]);
  });

  test("a URL as client id, where it takes none", async () => {
    answering(METADATA, () => ({ client_id_metadata_document_supported: false }));
    const done = await login("document", ["--client-id", "https://clients.example/kheish.json"]);
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).toContain("does not take a URL as client id");
  });

  test("more scopes than were asked for (02-R58)", async () => {
    server.intercept = async (request, response) => {
      if (request.url !== "/oauth/token") return false;
      request.resume();
      response.writeHead(200, { "content-type": "application/json" });
      const scope = "tools:read tools:write";
      response.end(JSON.stringify({ access_token: "a-token-too-many", token_type: "Bearer", scope }));
      return true;
    };
    const done = await login("wide", ["--scopes", "tools:read"]);
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).toContain("granted more than was asked for (tools:write)");
    expect(await oauth(["status", "wide"])).toMatchObject({ code: 5 });
  });

  test("a token that is not a bearer token", async () => {
    server.intercept = async (request, response) => {
      if (request.url !== "/oauth/token") return false;
      request.resume();
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ access_token: "a-bound-token", token_type: "mac" }));
      return true;
    };
    const done = await login("bound");
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).not.toContain("a-bound-token");
  });
});

test("02-R60 a client id metadata document, put up as it is printed, is taken in the place of a registration", async () => {
  const url = "https://clients.example/kheish.json";
  const { stdout } = await oauth(["client-metadata", url]);
  expect(JSON.parse(stdout)).toMatchObject({ client_id: url, client_name: "Kheish" });
  server.documents.set(url, stdout);
  const done = await login("document", ["--client-id", url]);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({ details: { client_id: url } });
  expect(JSON.parse((await oauth(["refresh", "document"])).stdout)).toMatchObject({ account_state: "ready" });
});
