import type { ClaudeCodeAccount, CodexAccount } from "@kheish/contract";
import { z } from "zod";

/** Variables of a process; an empty one counts as not set. */
type Env = Readonly<Record<string, string | undefined>>;

/** What another program's file says is no account that the daemon can use. Never holds what stands in the file. */
export class VendorFileError extends Error {
  override readonly name = "VendorFileError";
  /** Without the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.reason = reason;
  }
}

const Text = z.string().min(1);
const CodexFile = z.object({
  auth_mode: z.string().nullish(),
  tokens: z.object({
    access_token: Text.nullish(),
    refresh_token: Text,
    account_id: Text.nullish(),
  }),
});
const ClaudeFile = z.object({
  claudeAiOauth: z.object({
    accessToken: Text,
    refreshToken: Text,
    expiresAt: z.int().nonnegative(),
    scopes: z.array(z.string()),
    subscriptionType: z.string().nullish(),
    rateLimitTier: z.string().nullish(),
  }),
});

/** The clients of the vendors' own programs, and where those sign in; each can be set otherwise. */
const CODEX = {
  issuer: "https://auth.openai.com",
  client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
  api_base_url: "https://chatgpt.com/backend-api/codex",
};
const CLAUDE = {
  token_url: "https://console.anthropic.com/v1/oauth/token",
  client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
};
const CLAUDE_SCOPE = "user:inference";

/** 02-R56. */
export function codexAuthPath(env: Env): string | undefined {
  const home = set(env.CODEX_HOME) ?? under(env, ".codex");
  return home && `${home}/auth.json`;
}

/** 02-R56. */
export function claudeCredentialsPath(env: Env): string | undefined {
  const home = set(env.CLAUDE_CONFIG_DIR) ?? under(env, ".claude");
  return home && `${home}/.credentials.json`;
}

/** The account of Codex's `auth.json` (02-R56); `path` is shown with it. */
export function codexAccount(
  text: string,
  path: string,
  env: Env,
  of: { organization?: string | undefined; project?: string | undefined },
): CodexAccount {
  const { auth_mode, tokens } = parsed(CodexFile, text, path);
  if ((auth_mode ?? "chatgpt") !== "chatgpt") {
    throw new VendorFileError(path, "is not of a ChatGPT login; keep an API key with 'kheish secrets set'");
  }
  const { access_token, refresh_token, account_id } = tokens;
  return {
    kind: "codex_account",
    codex_auth_path: path,
    issuer: set(env.KHEISH_OPENAI_AUTH_ISSUER) ?? CODEX.issuer,
    client_id: set(env.KHEISH_OPENAI_AUTH_CLIENT_ID) ?? CODEX.client_id,
    api_base_url: set(env.KHEISH_OPENAI_CODEX_API_BASE_URL) ?? CODEX.api_base_url,
    refresh_token,
    ...(access_token == null ? {} : { access_token }),
    ...(account_id == null ? {} : { account_id }),
    ...(of.organization === undefined ? {} : { organization: of.organization }),
    ...(of.project === undefined ? {} : { project: of.project }),
  };
}

/** The account of Claude Code's `.credentials.json` (02-R56). */
export function claudeCodeAccount(text: string, path: string, env: Env): ClaudeCodeAccount {
  const { claudeAiOauth } = parsed(ClaudeFile, text, path);
  const { accessToken, refreshToken, expiresAt, scopes, subscriptionType, rateLimitTier } = claudeAiOauth;
  if (!scopes.includes(CLAUDE_SCOPE)) {
    throw new VendorFileError(path, `has no scope '${CLAUDE_SCOPE}', so it cannot ask a model`);
  }
  return {
    kind: "claude_code_account",
    credentials_path: path,
    token_url: set(env.KHEISH_ANTHROPIC_OAUTH_TOKEN_URL) ?? CLAUDE.token_url,
    client_id: set(env.KHEISH_ANTHROPIC_OAUTH_CLIENT_ID) ?? CLAUDE.client_id,
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_at_ms: expiresAt,
    scopes,
    ...(subscriptionType == null ? {} : { subscription_type: subscriptionType }),
    ...(rateLimitTier == null ? {} : { rate_limit_tier: rateLimitTier }),
  };
}

function parsed<T>(schema: z.ZodType<T>, text: string, path: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new VendorFileError(path, "is not JSON");
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join(".") ?? "";
  throw new VendorFileError(
    path,
    `is not a login: ${where || "its top level"} is missing or of another kind`,
  );
}

function set(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value.trim();
}

function under(env: Env, directory: string): string | undefined {
  const home = set(env.HOME);
  return home && `${home}/${directory}`;
}
