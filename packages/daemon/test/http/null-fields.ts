import { afterEach, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";

const account = {
  slot_id: "mcp.oauth.notes",
  server_name: "notes",
  resource: "https://notes.example/mcp",
  issuer: "https://notes.example",
  authorization_endpoint: "https://notes.example/authorize",
  token_endpoint: "https://notes.example/token",
  client_id: "client",
  client_secret: null,
  access_token: "access-token-1",
  refresh_token: null,
  expires_at_ms: null,
  scopes: [],
};
const { slot_id, ...mcpAccount } = account;
const executor = { type: "command", command: "true", shell: null, timeout_ms: null };
const hook = { name: "a", matcher: null, failure_policy: null, executor };

/** Bodies of clients that write every field they know. */
export function nullFields(fixture: Fixture): void {
  const { api } = fixture;

  afterEach(async () => {
    for (const { rule_id } of (await api.call("listPermissionRules")).rules)
      await api.call("deletePermissionRule", { params: { rule_id } });
    await api.call("setHooks", { body: { settings: { hooks: {} }, skip_hooks: true } });
  });

  test.each([
    ["/v1/runtime/hooks", { settings: { hooks: { stop: [hook] } }, expected_revision: null }],
    ["/v1/runtime/hooks", { schema_version: null, hooks: { stop: [hook] } }],
    ["/v1/runtime/tool-limits", { limits: { max_timeout_ms: 1000, max_calls_per_turn: null } }],
    ["/v1/runtime/run-memory-policy", { policy: { enabled: true, retention_ms: null } }],
    ["/v1/runtime/learning-policy", { policy: { mode: "shadow", capture: null, judge: null } }],
    [
      "/v1/runtime/secrets",
      {
        slot_id: "openai.prod",
        provider: "open_ai",
        mode: "api_key",
        state: { kind: "api_key", api_key: "some-key-1", organization: null, project: null },
      },
    ],
    [
      "/v1/runtime/secrets",
      {
        slot_id,
        provider: "mcp_o_auth",
        mode: "oauth_account",
        state: { kind: "mcp_o_auth_account", ...mcpAccount, last_refresh_at_ms: null },
      },
    ],
    ["/v1/runtime/auth/accounts/mcp-oauth", account],
    [
      "/v1/runtime/permissions/rules",
      { scope: "user", tool_name_pattern: "x", behavior: "deny", match: null, expires_at_ms: null },
    ],
    [
      "/v1/runtime/budgets",
      {
        budget_id: "nulls",
        scope: { kind: "daemon", id: null },
        window: { kind: "total", timezone: null },
        limits: { input_tokens: null, model_calls: 1000 },
        on_limit: "ask",
      },
    ],
  ])("01-R35 %s takes null for what may be left out", async (path, body) => {
    const { status, text } = await api.post(path, body);
    expect(text).not.toContain("urn:kheish:problem");
    expect([200, 201]).toContain(status);
  });

  test("01-R35 in the scopes of a session, where null for the whole of one takes it away", async () => {
    const path = `/v1/sessions/${await fixture.session()}/capability-scope`;
    const scoped = await api.post(path, { capability_scope: { skill_allow: ["a"], skill_deny: null } });
    expect(JSON.parse(scoped.text)).toMatchObject({ capability_scope: { skill_allow: ["a"] } });
    const taken = await api.post(path, { capability_scope: null });
    expect(JSON.parse(taken.text)).not.toHaveProperty("capability_scope");
  });

  test("01-R35 null for what is needed is refused as what it is", async () => {
    const { status, text } = await api.post("/v1/runtime/permission-mode", { mode: null });
    expect(status).toBe(422);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ path: "/mode" }] });
  });
}
