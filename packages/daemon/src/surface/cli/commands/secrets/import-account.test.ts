import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { kheish } from "../../testing/run-cli.ts";

const CODEX = {
  auth_mode: "chatgpt",
  tokens: { access_token: "at-1", refresh_token: "rt-1", account_id: "acct" },
};
const CLAUDE = {
  claudeAiOauth: {
    accessToken: "at-2",
    refreshToken: "rt-2",
    expiresAt: 1_800_000_000_000,
    scopes: ["user:inference", "user:profile"],
    subscriptionType: "max",
  },
};
const STATUS = { slot_id: "s", provider: "open_ai", mode: "oauth_account", summary: "x", updated_at_ms: 1 };

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "kheish-import-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function importing(argv: readonly string[], env: Record<string, string> = {}) {
  const daemon = await fakeDaemon({ "POST /v1/runtime/secrets": json(STATUS) });
  const result = await kheish(["--base-url", daemon.baseUrl, "secrets", ...argv], {
    workingDirectory: home,
    env: { HOME: home, ...env },
  });
  return { ...result, body: daemon.requests[0]?.body };
}

async function put(path: string, content: object | string): Promise<void> {
  await mkdir(join(home, path, ".."), { recursive: true });
  await writeFile(join(home, path), typeof content === "string" ? content : JSON.stringify(content));
}

describe("02-R56 secrets import-codex", () => {
  it("reads the login of Codex from where it is, and says whose client it is", async () => {
    await put(".codex/auth.json", CODEX);
    const { code, body, stdout } = await importing(["import-codex", "openai.team", "--organization", "org"]);
    expect(code).toBe(0);
    expect(body).toEqual({
      slot_id: "openai.team",
      provider: "open_ai",
      mode: "oauth_account",
      state: {
        kind: "codex_account",
        codex_auth_path: join(home, ".codex/auth.json"),
        issuer: "https://auth.openai.com",
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        api_base_url: "https://chatgpt.com/backend-api/codex",
        access_token: "at-1",
        refresh_token: "rt-1",
        account_id: "acct",
        organization: "org",
      },
    });
    expect(stdout).not.toContain("rt-1");
  });

  it("takes $CODEX_HOME, a named file, and another issuer and client", async () => {
    await put("elsewhere/auth.json", { tokens: { refresh_token: "rt-3" } });
    const env = {
      CODEX_HOME: join(home, "elsewhere"),
      KHEISH_OPENAI_AUTH_ISSUER: "https://issuer.example",
      KHEISH_OPENAI_AUTH_CLIENT_ID: "my-client",
      KHEISH_OPENAI_CODEX_API_BASE_URL: "https://api.example",
    };
    expect((await importing(["import-codex", "s"], env)).body).toMatchObject({
      state: {
        refresh_token: "rt-3",
        issuer: "https://issuer.example",
        client_id: "my-client",
        api_base_url: "https://api.example",
      },
    });
    const named = await importing(["import-codex", "s", "--file", "elsewhere/auth.json"]);
    expect(named.body).toMatchObject({ state: { codex_auth_path: "elsewhere/auth.json" } });
  });
});

describe("02-R56 secrets import-claude-code", () => {
  it("reads the login of Claude Code from where it is", async () => {
    await put(".claude/.credentials.json", CLAUDE);
    const { code, body } = await importing(["import-claude-code", "anthropic.team"]);
    expect(code).toBe(0);
    expect(body).toMatchObject({
      provider: "anthropic",
      state: {
        kind: "claude_code_account",
        access_token: "at-2",
        refresh_token: "rt-2",
        expires_at_ms: 1_800_000_000_000,
        scopes: ["user:inference", "user:profile"],
        subscription_type: "max",
      },
    });
  });
});

it.each<[string, string, object | string, string]>([
  ["import-codex", ".codex/auth.json", { ...CODEX, auth_mode: "apikey" }, "not of a ChatGPT login"],
  ["import-codex", ".codex/auth.json", { tokens: { access_token: "at-only" } }, "tokens.refresh_token"],
  ["import-codex", ".codex/auth.json", "no JSON: at-only", "is not JSON"],
  [
    "import-claude-code",
    ".claude/.credentials.json",
    { claudeAiOauth: { ...CLAUDE.claudeAiOauth, scopes: ["user:profile"] } },
    "user:inference",
  ],
])(
  "02-R56 secrets %s refuses %s when it is no such login, and sends nothing",
  async (command, path, content, sentence) => {
    await put(path, content);
    const { code, stderr, body } = await importing([command, "s"]);
    expect({ code, body }).toEqual({ code: 2, body: undefined });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("at-only");
  },
);
