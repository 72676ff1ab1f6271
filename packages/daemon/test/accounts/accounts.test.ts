import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { apiKey } from "../http/secrets.ts";
import type { Call } from "../http/support/client.ts";
import { useDaemon } from "../http/support/fixture.ts";
import { at } from "../http/support/params.ts";
import { AuthorizationServer, type IssuedTokens, SCOPES } from "../support/authorization-server.ts";
import { ChatProvider } from "../support/chat-provider.ts";
import { until } from "../support/wait.ts";
import { codexAccount, mcpAccount } from "./support.ts";

const server = new AuthorizationServer();
const provider = new ChatProvider();
const fixture = useDaemon(async () => "sqlite", {
  env: { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" },
});
const { api } = fixture;
const of = (slot: string) => ({ params: { slot } });
beforeAll(async () => {
  await server.start();
  await provider.start();
});
afterAll(async () => {
  await provider.stop();
  await server.stop();
});
beforeEach(() => {
  server.requests.length = 0;
  server.intercept = () => false;
  provider.keys.length = 0;
  provider.answer = () => ({ text: "Ok" });
});

type ImportBody = Call<"importMcpAccount">["body"];

async function imported(more: Partial<ImportBody> = {}) {
  const tokens = await server.logIn();
  const { slot_id, state } = mcpAccount(server, tokens);
  const { kind: _kind, ...account } = state as Extract<typeof state, { kind: "mcp_o_auth_account" }>;
  const body = { slot_id, ...account, expires_at_ms: Date.now() + 3_600_000, client_secret: null, ...more };
  return { tokens, body };
}

describe("accounts over HTTP", () => {
  test("02-R47 are imported, listed, shown and deleted, and no answer holds a token", async () => {
    await api.call("putSecret", apiKey("openai.prod", "key-of-no-account"));
    const { tokens, body } = await imported();
    const written = await api.call("importMcpAccount", { body });
    expect(written).toMatchObject({
      slot_id: "mcp.oauth.tracker",
      provider: "mcp_oauth",
      mode: "oauth_account",
      summary: "mcp_oauth_account:tracker",
      account_state: "ready",
      details: { server_name: "tracker", resource: server.resource, scopes: ["tools:read", "tools:write"] },
    });
    expect(await api.call("listAccounts")).toEqual([written]);
    expect(await api.call("getAccount", of("mcp.oauth.tracker"))).toEqual(written);
    const refreshed = await api.call("refreshAccount", of("mcp.oauth.tracker"));
    expect(refreshed.details).toMatchObject({ last_refresh_outcome: "ok" });
    // What is imported again is what was refreshed since: its tokens are spent, and the newer ones stay.
    const again = await api.call("importAccount", { body });
    expect(again.details).toEqual(refreshed.details);
    const gone = await api.call("deleteAccount", of("mcp.oauth.tracker"));
    expect(gone).toMatchObject({ accepted: true, slot_id: "mcp.oauth.tracker" });
    expect(await api.call("listAccounts")).toEqual([]);
    const said = JSON.stringify([written, refreshed, again, gone]);
    for (const secret of [tokens.access_token, tokens.refresh_token]) expect(said).not.toContain(secret);
  });

  test("02-R57 are refreshed at an operator's word; what the provider refuses is a problem that says what to do", async () => {
    const { tokens, body } = await imported();
    await api.call("importMcpAccount", { body });
    await server.spend(tokens.refresh_token);
    const refusal = await api.refusal("refreshAccount", of("mcp.oauth.tracker"));
    expect(refusal).toMatchObject({ status: 409, code: "account_login_required", domain: "auth" });
    expect(await api.call("getAccount", of("mcp.oauth.tracker"))).toMatchObject({
      account_state: "refresh_failed",
      details: { last_refresh_outcome: "login_required" },
    });
    server.intercept = ({ url }, response) => {
      if (url === "/oauth/token") response.writeHead(502).end("the provider's own words");
      return url === "/oauth/token";
    };
    await api.call("importMcpAccount", { body });
    const later = await api.refusal("refreshAccount", of("mcp.oauth.tracker"));
    expect(later).toMatchObject({ status: 503, code: "account_refresh_failed" });
    expect(later.detail).toContain("status_502");
    expect(later.detail).not.toContain("own words");
  });

  test("are not refreshed while they are disabled", async () => {
    const { body } = await imported();
    await api.call("importMcpAccount", { body });
    await api.call("disableSlot", { ...of("mcp.oauth.tracker"), body: { reason: "a drill" } });
    const refusal = await api.refusal("refreshAccount", of("mcp.oauth.tracker"));
    expect(refusal).toMatchObject({ status: 409, code: "account_disabled" });
    expect(server.requests).toEqual([]);
  });

  test("are given back to their provider with their deletion", async () => {
    const { tokens, body } = await imported();
    await api.call("importMcpAccount", { body });
    expect(await server.isActive(tokens.refresh_token)).toBe(true);
    const call = { ...of("mcp.oauth.tracker"), body: { reason: "a drill" } };
    expect(await api.call("revokeAccount", call)).toMatchObject({
      accepted: true,
      provider_revocation: "revoked",
    });
    expect(await server.isActive(tokens.refresh_token)).toBe(false);
    const { revocation_endpoint: _none, ...without } = body;
    await api.call("importMcpAccount", { body: without });
    expect(await api.call("revokeAccount", of("mcp.oauth.tracker"))).toMatchObject({
      provider_revocation: "not_offered",
    });
    const elsewhere = { ...body, revocation_endpoint: "http://127.0.0.1:1/revoke" };
    await api.call("importMcpAccount", { body: elsewhere });
    expect(await api.call("revokeAccount", of("mcp.oauth.tracker"))).toMatchObject({
      provider_revocation: "failed",
    });
    expect(await api.refusal("getAccount", of("mcp.oauth.tracker"))).toMatchObject({ status: 404 });
  });

  test("refuse a slot that is none, and one that is not there", async () => {
    await api.call("putSecret", apiKey("openai.prod", "key-of-no-account"));
    for (const endpoint of ["getAccount", "refreshAccount", "revokeAccount", "deleteAccount"] as const) {
      expect(await api.refusal(endpoint, of("openai.prod"))).toMatchObject({
        status: 400,
        code: "account_not_oauth",
      });
      expect(await api.refusal(endpoint, of("nothing"))).toMatchObject({
        status: 404,
        code: "account_not_found",
      });
    }
    expect(await api.call("getSecret", { params: { ref: "openai.prod" } })).toMatchObject({
      mode: "api_key",
    });
  });

  test.each<[string, Partial<ImportBody>, string]>([
    ["02-R52 a slot outside mcp.", { slot_id: "tracker" }, "/slot_id"],
    ["02-R61 http to another machine", { token_endpoint: "http://a.example/token" }, "/token_endpoint"],
    ["02-R61 a fragment", { resource: "https://a.example/mcp#there" }, "/resource"],
    ["02-R61 a password", { issuer: "https://me:secret@a.example" }, "/issuer"],
    [
      "02-R61 a secret in the query",
      { authorization_endpoint: "https://a.example/authorize?Client-Secret=abc" },
      "/authorization_endpoint",
    ],
    ["02-R61 no URL at all", { revocation_endpoint: "revoke" }, "/revocation_endpoint"],
  ])("%s is refused, and nothing is written", async (_name, changes, path) => {
    const { tokens, body } = await imported();
    const refusal = await api.refusal("importMcpAccount", { body: { ...body, ...changes } });
    expect(refusal).toMatchObject({ status: 400, code: "secret_invalid", errors: [{ path }] });
    expect(JSON.stringify(refusal)).not.toMatch(new RegExp(`${tokens.access_token}|abc|secret@`));
    expect(await api.call("listAccounts")).toEqual([]);
  });
});

describe("a route with an account", () => {
  let tokens: IssuedTokens;
  /** An access token that the models take; it is the newest one of the account. */
  const keep = async (more: Parameters<typeof codexAccount>[2] = {}) => {
    // With an identity token in each answer, as vendors send them.
    tokens = await server.logIn(["openid", ...SCOPES]);
    const state = { ...codexAccount(server, tokens, more) };
    await api.call("putSecret", {
      body: { slot_id: "team", provider: "open_ai", mode: "oauth_account", state },
    });
  };
  const readiness = async () => (await api.call("status")).provider_readiness.routes[0];

  beforeAll(async () => {
    await keep();
    await fixture.daemon.restart({ routes: provider.route("local", "team") });
  });

  test("02-R57 has no token yet: the first call waits for one, and for one only", async () => {
    await keep({ access_token: undefined });
    const sessions = await Promise.all(Array.from({ length: 8 }, () => fixture.session()));
    const runs = await Promise.all(sessions.map((session) => fixture.finish(session, "hello")));
    expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => "completed"));
    expect(new Set(provider.keys).size).toBe(1);
    expect(provider.keys[0]).not.toBe(tokens.access_token);
    expect(server.refreshes()).toHaveLength(1);
  });

  test("02-R57 whose token is refused in mid-run goes on with a new one, also after a restart", async () => {
    await keep();
    const session = await fixture.session();
    expect(await fixture.finish(session, "hello")).toMatchObject({ status: "completed" });
    expect(provider.keys).toEqual([tokens.access_token]);
    provider.answer = (key) =>
      key === tokens.access_token ? { status: 401, text: "token expired" } : { text: "Ok" };
    expect(await fixture.finish(session, "hello")).toMatchObject({ status: "completed" });
    expect(provider.keys).toHaveLength(3);
    expect(server.refreshes()).toHaveLength(1);
    await fixture.daemon.restart();
    expect(await fixture.finish(session, "hello")).toMatchObject({ status: "completed" });
    expect(provider.keys[3]).toBe(provider.keys[2]);
  });

  test("02-R36 02-R40 whose account was revoked fails visibly; after a new login the same work goes through", async () => {
    await keep();
    await server.spend(tokens.refresh_token);
    provider.answer = () => ({ status: 401, text: "revoked" });
    const session = await fixture.session();
    const failed = await fixture.finish(session, "hello");
    expect(failed.status).toBe("failed");
    expect(failed.error).toContain("401");
    expect(provider.keys).toEqual([tokens.access_token]);
    expect(await readiness()).toMatchObject({ state: "error", code: "auth_account_login_required" });
    const refusal = await api.refusal("submitRun", { ...at(session), body: { content: "hello" } });
    expect(refusal).toMatchObject({ status: 400, code: "route_not_ready", domain: "routes" });
    expect(refusal.detail).toContain("kheish secrets import-codex team");

    await keep();
    provider.answer = (key) => (key === tokens.access_token ? { text: "Ok" } : { status: 401, text: "no" });
    expect(await readiness()).toMatchObject({ state: "ok", auth_mode: "oauth_account" });
    expect(await fixture.finish(session, "hello")).toMatchObject({ status: "completed" });
  });

  test("02-R57 whose token is refused while its provider is away: tried again, and not given up as a bad login", async () => {
    await keep();
    provider.answer = (key) =>
      key === tokens.access_token ? { status: 401, text: "expired" } : { text: "Ok" };
    server.intercept = ({ url }, response) => {
      if (url === "/oauth/token") response.writeHead(503).end();
      return url === "/oauth/token";
    };
    const session = await fixture.session();
    const { run_id } = await fixture.submit(session, "hello");
    await until("a refresh that fails", async () => {
      const { details } = await api.call("getAccount", of("team"));
      return details?.last_refresh_outcome === "failed:status_503";
    });
    server.intercept = () => false;
    expect(await readiness()).toMatchObject({ state: "warning", code: "auth_account_refresh_failed" });
    await fixture.cancel(run_id);
    expect(await fixture.settles(run_id)).toMatchObject({ status: "cancelled" });
  });

  test("02-R57 whose provider is away for a moment: the call tries again, as with any server", async () => {
    await keep({ access_token: undefined });
    server.intercept = ({ url }, response) => {
      if (url === "/oauth/token") response.writeHead(503).end();
      return url === "/oauth/token";
    };
    const session = await fixture.session();
    const { run_id } = await fixture.submit(session, "hello");
    server.intercept = () => false;
    expect(await fixture.settles(run_id)).toMatchObject({ status: "completed" });
  });
});
