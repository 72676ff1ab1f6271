import { z } from "zod";
import { type Json, JsonObject, Millis } from "./json.ts";
import { parseSent } from "./nulls.ts";
import { oauthUrlProblem } from "./oauth-url.ts";

/** Whose secret a slot holds. The wire says `open_ai` where drivers and the CLI say `openai`. */
export const AuthProvider = z.enum([
  "generic",
  "mcp_oauth",
  "open_ai",
  "anthropic",
  "google",
  "open_router",
  "x_ai",
]);
export type AuthProvider = z.infer<typeof AuthProvider>;

export const AuthMode = z.enum(["opaque_secret", "api_key", "oauth_account"]);
export type AuthMode = z.infer<typeof AuthMode>;

const PROVIDER_ALIASES = { mcp_o_auth: "mcp_oauth" } as const;
const MODE_ALIASES = { o_auth_account: "oauth_account" } as const;
const anyProvider = z.enum([...AuthProvider.options, "mcp_o_auth"]);
const anyMode = z.enum([...AuthMode.options, "o_auth_account"]);

/** Edge spaces of a secret are kept; one of nothing but white space is a mistake (02-R54). */
const SecretText = z.string().regex(/\S/, "must not be blank");
const Text = z.string().min(1);

export const OpaqueSecret = z.strictObject({ value: SecretText });
export const ApiKey = z.strictObject({ kind: z.literal("api_key"), api_key: SecretText });
export const OpenAiApiKey = ApiKey.extend({ organization: Text.optional(), project: Text.optional() });

/** 02-R61. */
const OAuthUrl = Text.superRefine((text, context) => {
  const message = oauthUrlProblem(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const refreshed = { last_refresh_at_ms: Millis.optional(), last_refresh_outcome: z.string().optional() };

export const CodexAccount = z.strictObject({
  kind: z.literal("codex_account"),
  codex_auth_path: z.string(),
  issuer: OAuthUrl,
  client_id: Text,
  api_base_url: OAuthUrl,
  access_token: SecretText.optional(),
  refresh_token: SecretText,
  account_id: z.string().optional(),
  ...refreshed,
  organization: Text.optional(),
  project: Text.optional(),
});
export type CodexAccount = z.infer<typeof CodexAccount>;

export const ClaudeCodeAccount = z.strictObject({
  kind: z.literal("claude_code_account"),
  credentials_path: z.string(),
  token_url: OAuthUrl,
  client_id: Text,
  access_token: SecretText,
  refresh_token: SecretText,
  expires_at_ms: Millis,
  scopes: z.array(z.string()),
  subscription_type: z.string().optional(),
  rate_limit_tier: z.string().optional(),
  ...refreshed,
});
export type ClaudeCodeAccount = z.infer<typeof ClaudeCodeAccount>;

export const McpOAuthAccount = z.strictObject({
  kind: z.literal("mcp_o_auth_account"),
  server_name: Text,
  resource: OAuthUrl,
  issuer: OAuthUrl,
  authorization_endpoint: OAuthUrl,
  token_endpoint: OAuthUrl,
  /** RFC 7009; absent where the server offers none. */
  revocation_endpoint: OAuthUrl.optional(),
  client_id: Text,
  client_secret: SecretText.nullish(),
  /** Of a client with a secret; `client_secret_basic` when absent. */
  token_endpoint_auth_method: z.enum(["client_secret_basic", "client_secret_post"]).optional(),
  access_token: SecretText,
  refresh_token: SecretText.optional(),
  expires_at_ms: Millis.optional(),
  scopes: z.array(z.string()),
  ...refreshed,
});
export type McpOAuthAccount = z.infer<typeof McpOAuthAccount>;

export type OAuthAccount = CodexAccount | ClaudeCodeAccount | McpOAuthAccount;

export type SlotState = z.infer<typeof OpaqueSecret> | z.infer<typeof OpenAiApiKey> | OAuthAccount;

/** The account in a slot; undefined where the slot holds something else. */
export function accountOf(state: SlotState): OAuthAccount | undefined {
  return "kind" in state && state.kind !== "api_key" ? state : undefined;
}

/** The one state that fits a provider and a mode; undefined where the two do not go together. */
export function slotStateSchema(provider: AuthProvider, mode: AuthMode): z.ZodType<SlotState> | undefined {
  if (mode === "opaque_secret") return provider === "generic" ? OpaqueSecret : undefined;
  if (mode === "oauth_account") {
    if (provider === "open_ai") return CodexAccount;
    if (provider === "anthropic") return ClaudeCodeAccount;
    return provider === "mcp_oauth" ? McpOAuthAccount : undefined;
  }
  if (provider === "generic" || provider === "mcp_oauth") return undefined;
  return provider === "open_ai" ? OpenAiApiKey : ApiKey;
}

/** What a slot id may be: printable, without edge space, and short enough for a path. */
export const SlotId = z
  .string()
  .max(256)
  .regex(/^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$/u, "must be printable text without spaces at its edges");

/** What a slot holds, as it is written; never read back (02-R47). */
export interface AuthSlotRecord {
  slot_id: string;
  provider: AuthProvider;
  mode: AuthMode;
  state: SlotState;
  /** Of the writer; the daemon's own clock decides. */
  updated_at_ms?: number | undefined;
}

/** The body of a write. Both spellings of the two old enum values are read. */
export const AuthSlotWrite = z
  .strictObject({
    slot_id: SlotId,
    provider: anyProvider,
    mode: anyMode,
    state: JsonObject.describe("write-only; its members depend on provider and mode"),
    updated_at_ms: Millis.optional().describe("accepted and ignored: the daemon's clock decides"),
  })
  .meta({ id: "AuthSlotRecord" });

/** What is wrong with a state, field by field. Says what was expected, never what was sent. */
export type SlotProblem = { path: (string | number)[]; message: string };

/** Reads a written slot: aliases resolved, the state checked against provider and mode, R52 kept. */
export function readAuthSlot(
  body: z.infer<typeof AuthSlotWrite>,
): { ok: true; record: AuthSlotRecord } | { ok: false; errors: SlotProblem[] } {
  const provider = body.provider === "mcp_o_auth" ? PROVIDER_ALIASES.mcp_o_auth : body.provider;
  const mode = body.mode === "o_auth_account" ? MODE_ALIASES.o_auth_account : body.mode;
  const refused = (path: string, message: string) => ({
    ok: false as const,
    errors: [{ path: [path], message }],
  });
  // 02-R52.
  const isSidecarSlot = /^(connectors|mcp)\./.test(body.slot_id);
  if (isSidecarSlot && provider !== "generic" && provider !== "mcp_oauth") {
    return refused("provider", "slots 'connectors.*' and 'mcp.*' hold generic or mcp_oauth secrets only");
  }
  if (provider === "mcp_oauth" && !body.slot_id.startsWith("mcp.")) {
    return refused("slot_id", "the slot of an mcp_oauth account begins with 'mcp.'");
  }
  const schema = slotStateSchema(provider, mode);
  if (schema === undefined) return refused("mode", `provider '${provider}' has no mode '${mode}'`);
  const state = parseSent(schema, body.state);
  if (!state.success) {
    const errors = state.error.issues.map((issue) => ({
      path: ["state", ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))],
      message: issue.code === "unrecognized_keys" ? `unknown field ${issue.keys.join(", ")}` : issue.message,
    }));
    return { ok: false, errors };
  }
  return { ok: true, record: { slot_id: body.slot_id, provider, mode, state: state.data } };
}

/**
 * What is known of an account's token (02-R40).
 * `ready`: good for now. `expiring`: over, or soon, and refreshed by the next use. `refresh_failed`: the last refresh
 * failed and the token is still good. `expired`: it is over, and the last refresh failed; the next use tries again.
 * `login_required`: nothing but a new login helps.
 */
export const AccountState = z.enum(["ready", "expiring", "refresh_failed", "expired", "login_required"]);
export type AccountState = z.infer<typeof AccountState>;

/** Everything that is ever read of a slot. */
export const AuthSlotStatus = z
  .object({
    slot_id: z.string(),
    provider: AuthProvider,
    mode: AuthMode,
    summary: z.string(),
    updated_at_ms: Millis,
    details: JsonObject.optional(),
    disabled: z.boolean().optional().describe("present and true while the slot is disabled"),
    disabled_reason: z.string().optional(),
    account_state: AccountState.optional().describe("of an oauth_account: what is known of its token"),
  })
  .meta({ id: "AuthSlotStatus" });
export type AuthSlotStatus = z.infer<typeof AuthSlotStatus>;

/** What operators see of an account beside its summary; no token is ever among it. */
export function slotDetails({ provider, state }: AuthSlotRecord): { [key: string]: Json } | undefined {
  if (!("kind" in state)) return undefined;
  switch (state.kind) {
    case "codex_account":
      return present({ source: "codex", account_id: state.account_id, ...refresh(state) });
    case "claude_code_account":
      return present({
        source: "claude_code",
        expires_at_ms: state.expires_at_ms,
        scopes: state.scopes,
        subscription_type: state.subscription_type,
        rate_limit_tier: state.rate_limit_tier,
        ...refresh(state),
      });
    case "mcp_o_auth_account":
      return present({
        server_name: state.server_name,
        resource: state.resource,
        issuer: state.issuer,
        authorization_endpoint: state.authorization_endpoint,
        token_endpoint: state.token_endpoint,
        client_id: state.client_id,
        expires_at_ms: state.expires_at_ms,
        scopes: state.scopes,
        refreshable: state.refresh_token === undefined ? false : undefined,
        ...refresh(state),
      });
    default:
      return provider === "open_ai"
        ? present({ organization: state.organization, project: state.project })
        : undefined;
  }
}

export function slotSummary({ state }: AuthSlotRecord): string {
  if (!("kind" in state)) return "opaque_secret";
  switch (state.kind) {
    case "api_key":
      return "api_key";
    case "codex_account":
      return named("codex_account", state.account_id, state.codex_auth_path);
    case "claude_code_account":
      return named("claude_code_account", state.subscription_type, state.credentials_path);
    case "mcp_o_auth_account":
      return `mcp_oauth_account:${state.server_name}`;
  }
}

function named(kind: string, name: string | undefined, path: string): string {
  return `${kind}${name === undefined ? "" : `:${name}`} (${path})`;
}

function refresh(state: {
  last_refresh_at_ms?: number | undefined;
  last_refresh_outcome?: string | undefined;
}) {
  return { last_refresh_at_ms: state.last_refresh_at_ms, last_refresh_outcome: state.last_refresh_outcome };
}

function present(details: Record<string, Json | undefined>): { [key: string]: Json } | undefined {
  const known = Object.entries(details).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}
