import type { ClaudeCodeAccount, RunView } from "@kheish/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { useDaemon } from "../http/support/fixture.ts";
import { at } from "../http/support/params.ts";
import { AuthorizationServer, SCOPES, TEST_CLIENT } from "../support/authorization-server.ts";
import { until } from "../support/wait.ts";
import { codexAccount } from "./support.ts";

/** What providers see of an account (02-R59). */
const server = new AuthorizationServer();
const wire = new WireDouble();
const fixture = useDaemon(async () => "sqlite", {
  env: { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" },
});
const { api } = fixture;
beforeAll(async () => {
  await server.start();
  await wire.start();
});
afterAll(async () => {
  await wire.stop();
  await server.stop();
});
beforeEach(() => {
  server.requests.length = 0;
});

const CLAUDE_ANSWER = {
  events: [
    {
      type: "message_start",
      message: {
        type: "message",
        id: "msg_1",
        role: "assistant",
        model: "claude-sonnet-4-6",
        content: [],
        usage: { input_tokens: 5, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Ok" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 9 },
    },
    { type: "message_stop" },
  ],
};
const RESPONSE = { id: "resp_1", object: "response", created_at: 1, model: "gpt-5.4", output: [] };
const CODEX_ANSWER = {
  events: [
    { type: "response.created", response: RESPONSE },
    {
      type: "response.output_item.added",
      output_index: 0,
      item: { type: "message", id: "m", role: "assistant", content: [] },
    },
    { type: "response.output_text.delta", item_id: "m", output_index: 0, content_index: 0, delta: "Ok" },
    {
      type: "response.completed",
      response: { ...RESPONSE, usage: { input_tokens: 9, output_tokens: 3 } },
    },
  ],
};

test("02-R59 02-R57 anthropic: a bearer token and the word that lets it in, refreshed as its vendor wants it", async () => {
  const tokens = await server.logIn();
  const state: ClaudeCodeAccount = {
    kind: "claude_code_account",
    credentials_path: "credentials.json",
    token_url: server.tokenEndpoint,
    client_id: TEST_CLIENT,
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    expires_at_ms: Date.now() + 60_000,
    scopes: [...SCOPES, "user:inference"],
  };
  const body = {
    slot_id: "claude",
    provider: "anthropic",
    mode: "oauth_account",
    state: { ...state },
  } as const;
  await api.call("putSecret", { body });
  await fixture.daemon.restart({
    routes: `[routes.claude]\ndriver = "anthropic"\ndefault_model = "claude-sonnet-4-6"\nbase_url = "${wire.url}/v1"\nauth_ref = "claude"\nanthropic_beta_headers = ["other-beta"]\n`,
  });
  wire.plan(CLAUDE_ANSWER);
  const run = await fixture.finish(await fixture.session(), "hello");
  expect(run.status, run.error).toBe("completed");
  const [request] = wire.requests;
  expect(server.refreshes()).toHaveLength(1);
  expect(request?.headers.authorization).toMatch(/^Bearer /);
  expect(request?.headers.authorization).not.toContain(tokens.access_token);
  expect(request?.headers).not.toHaveProperty("x-api-key");
  expect(String(request?.headers["anthropic-beta"]).split(",")).toEqual(
    expect.arrayContaining(["oauth-2025-04-20", "other-beta"]),
  );
});

test("02-R36 a token that is over gets one refresh before a run is refused, and the run is let in when that works", async () => {
  const session = await fixture.session();
  const account = await api.call("getAccount", { params: { slot: "claude" } });
  const tokens = await server.logIn();
  const body = { slot_id: "claude", provider: "anthropic", mode: "oauth_account" } as const;
  const state = {
    ...{ kind: "claude_code_account", credentials_path: "c.json", token_url: server.tokenEndpoint },
    ...{ client_id: TEST_CLIENT, access_token: tokens.access_token, refresh_token: tokens.refresh_token },
    ...{ expires_at_ms: Date.now(), scopes: [...SCOPES, "user:inference"] },
  };
  expect(account).toMatchObject({ account_state: "ready" });
  await api.call("putSecret", { body: { ...body, state } });
  server.intercept = ({ url }, response) => {
    if (url === "/oauth/token") response.writeHead(503).end();
    return url === "/oauth/token";
  };
  const submission = { ...at(session), body: { content: "hello" } };
  const refusal = await fixture.leavesAlone(session, () => api.refusal("submitRun", submission));
  expect(refusal).toMatchObject({ status: 400, code: "route_not_ready", domain: "routes" });
  expect(refusal.detail).toContain("status_503");
  const [route] = (await api.call("status")).provider_readiness.routes;
  expect(route).toMatchObject({ state: "error", code: "auth_account_expired" });

  server.intercept = () => false;
  wire.plan(CLAUDE_ANSWER);
  let accepted: RunView | undefined;
  await until("a submission that is let in", async () => {
    accepted = await api.call("submitRun", submission).catch(() => undefined);
    return accepted !== undefined;
  });
  expect(await fixture.settles(accepted?.run_id ?? "")).toMatchObject({ status: "completed" });
});

test("02-R59 02-R28 openai: a bearer token, the account, its own base URL, and no media", async () => {
  const tokens = await server.logIn();
  const state = codexAccount(server, tokens, { account_id: "acct-1", api_base_url: `${wire.url}/codex` });
  const body = { slot_id: "codex", provider: "open_ai", mode: "oauth_account", state: { ...state } } as const;
  await api.call("putSecret", { body });
  const routes = `[routes.codex]\ndriver = "openai"\ndefault_model = "gpt-5.4"\nauth_ref = "codex"\n`;
  await fixture.daemon.restart({ routes });
  wire.plan(CODEX_ANSWER);
  const run = await fixture.finish(await fixture.session(), "hello");
  expect(run.status, run.error).toBe("completed");
  const [request] = wire.requests;
  expect(request?.path).toBe("/codex/responses");
  expect(request?.headers).toMatchObject({
    authorization: `Bearer ${tokens.access_token}`,
    "chatgpt-account-id": "acct-1",
  });
  const shown = [(await api.call("getRuntime")).routes?.[0], (await api.call("listRoutes")).routes[0]];
  for (const route of shown) {
    expect(route?.capabilities).toMatchObject({
      multimodal_input: true,
      native_web_search: true,
      image_generation: false,
      audio_generation: false,
      transcription: false,
    });
  }
  await expect(fixture.daemon.restart({ routes: `${routes}image_generation = true\n` })).rejects.toThrow(
    "image_generation is not something that an account",
  );
  await fixture.daemon.restart({ routes });
});
