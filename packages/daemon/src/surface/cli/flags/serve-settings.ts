import type { Command } from "commander";
import {
  anthropicAuthSources,
  httpAuthModes,
  logFormats,
  logLevels,
  openaiAuthSources,
  sandboxModes,
} from "../serve-options.ts";
import { permissionModeNames } from "./permission-mode.ts";
import { addSettings, type Setting } from "./setting.ts";

/** What `serve` and `up` can be told, each named as commander names the value of its flag. */
export const serveSettings = {
  bind: { flag: "--bind <host:port>", env: "KHEISH_BIND", help: "where to listen; default 127.0.0.1:4000" },
  stateRoot: {
    flag: "--state-root <path>",
    env: "KHEISH_STATE_ROOT",
    help: "where everything durable lives; default .kheish-daemon",
  },
  workspaceRoot: {
    flag: "--workspace-root <path>",
    env: "KHEISH_WORKSPACE_ROOT",
    help: "the folder that agents work in; default the current one",
  },
  store: {
    flag: "--store <sqlite|url>",
    env: "KHEISH_STORE",
    help: "sqlite in the state root (default), or a postgres:// URL that daemons share",
  },
  routesFile: { flag: "--routes-file <path>", env: "KHEISH_ROUTES_FILE", help: "model routes, TOML" },
  defaultRoute: {
    flag: "--default-route <id>",
    env: "KHEISH_DEFAULT_ROUTE",
    help: "route of runs that name none",
  },
  allowEmptyRoutes: {
    flag: "--allow-empty-routes",
    env: "KHEISH_ALLOW_EMPTY_ROUTES",
    help: "start also without any route to a model",
  },
  provider: {
    flag: "--provider <driver>",
    env: "KHEISH_PROVIDER",
    help: "without a routes file: the first route",
  },
  model: { flag: "--model <name>", env: "KHEISH_MODEL", help: "its model" },
  apiKey: { flag: "--api-key <key>", env: "KHEISH_API_KEY", help: "its key; better in the variable" },
  googleApiKey: {
    flag: "--google-api-key <key>",
    env: "GOOGLE_API_KEY",
    help: "key of the route 'google'; better in the variable",
  },
  anthropicBaseUrl: {
    flag: "--anthropic-base-url <url>",
    env: "ANTHROPIC_BASE_URL",
    help: "for anthropic routes that name none",
  },
  anthropicVersion: {
    flag: "--anthropic-version <date>",
    env: "ANTHROPIC_VERSION",
    help: "API version of the route 'anthropic'",
  },
  anthropicBetaHeader: {
    flag: "--anthropic-beta-header <name>",
    env: "ANTHROPIC_BETA_HEADERS",
    help: "beta features of the route 'anthropic', repeatable",
    repeatable: true,
  },
  openaiBaseUrl: {
    flag: "--openai-base-url <url>",
    env: "OPENAI_BASE_URL",
    help: "for openai routes that name none",
  },
  openaiOrganization: {
    flag: "--openai-organization <id>",
    env: "OPENAI_ORGANIZATION",
    help: "organization of the route 'openai'",
  },
  openaiProject: {
    flag: "--openai-project <id>",
    env: "OPENAI_PROJECT",
    help: "project of the route 'openai'",
  },
  openaiAuthSource: {
    flag: "--openai-auth-source <source>",
    env: "KHEISH_OPENAI_AUTH_SOURCE",
    help: `what the route 'openai' signs in with: ${openaiAuthSources.join(", ")}; default api-key`,
  },
  openaiAuthFile: {
    flag: "--openai-auth-file <path>",
    env: "KHEISH_OPENAI_AUTH_FILE",
    help: "the login of Codex; default where Codex keeps it",
  },
  anthropicAuthSource: {
    flag: "--anthropic-auth-source <source>",
    env: "KHEISH_ANTHROPIC_AUTH_SOURCE",
    help: `what the route 'anthropic' signs in with: ${anthropicAuthSources.join(", ")}; default api-key`,
  },
  anthropicCredentialsFile: {
    flag: "--anthropic-credentials-file <path>",
    env: "KHEISH_ANTHROPIC_CREDENTIALS_FILE",
    help: "the login of Claude Code; default where Claude Code keeps it",
  },
  googleBaseUrl: {
    flag: "--google-base-url <url>",
    env: "GOOGLE_BASE_URL",
    help: "for google routes that name none",
  },
  openrouterBaseUrl: {
    flag: "--openrouter-base-url <url>",
    env: "OPENROUTER_BASE_URL",
    help: "for openrouter routes that name none",
  },
  xaiBaseUrl: { flag: "--xai-base-url <url>", env: "XAI_BASE_URL", help: "for xai routes that name none" },
  simulator: {
    flag: "--no-simulator",
    env: "KHEISH_NO_SIMULATOR",
    help: "leave out the route that needs no key",
  },
  permissionMode: {
    flag: "--permission-mode <mode>",
    env: "KHEISH_PERMISSION_MODE",
    help: permissionModeNames.join(", "),
  },
  approvalTimeoutMs: {
    flag: "--approval-timeout-ms <n>",
    env: "KHEISH_APPROVAL_TIMEOUT_MS",
    help: "how long an approval may wait; 0 (default) is for ever",
  },
  httpAuthMode: {
    flag: "--http-auth-mode <mode>",
    env: "KHEISH_HTTP_AUTH_MODE",
    help: `${httpAuthModes.join(", ")}; default auto: bearer as soon as there is a token`,
  },
  httpAdminToken: {
    flag: "--http-admin-token <token>",
    env: "KHEISH_DAEMON_ADMIN_TOKEN",
    help: "the token that may do everything",
  },
  httpAdminTokenFile: {
    flag: "--http-admin-token-file <path>",
    env: "KHEISH_DAEMON_ADMIN_TOKEN_FILE",
    help: "file with that token",
  },
  httpReadonlyToken: {
    flag: "--http-readonly-token <token>",
    env: "KHEISH_DAEMON_READONLY_TOKEN",
    help: "the token that may only look",
  },
  httpReadonlyTokenFile: {
    flag: "--http-readonly-token-file <path>",
    env: "KHEISH_DAEMON_READONLY_TOKEN_FILE",
    help: "file with that token",
  },
  httpCorsAllowOrigin: {
    flag: "--http-cors-allow-origin <origin>",
    env: "KHEISH_HTTP_CORS_ALLOW_ORIGINS",
    help: "browser origin to accept, repeatable; default any on loopback",
    repeatable: true,
  },
  httpCorsAllowHostedOrigin: {
    flag: "--http-cors-allow-hosted-origin <origin>",
    env: "KHEISH_HTTP_CORS_ALLOW_HOSTED_ORIGINS",
    help: "https origin of a page on another machine, exactly, repeatable; needs auth",
    repeatable: true,
  },
  httpTrustedProxy: {
    flag: "--http-trusted-proxy <cidr>",
    env: "KHEISH_HTTP_TRUSTED_PROXIES",
    help: "proxy whose X-Forwarded-For names the client, repeatable; default none",
    repeatable: true,
  },
  httpMaxStreams: {
    flag: "--http-max-streams <n>",
    env: "KHEISH_HTTP_MAX_STREAMS",
    help: "event streams open at a time; default 1024",
  },
  httpMaxStreamsPerPrincipal: {
    flag: "--http-max-streams-per-principal <n>",
    env: "KHEISH_HTTP_MAX_STREAMS_PER_PRINCIPAL",
    help: "of them, how many a token but the admin's may hold; default half",
  },
  httpRateLimit: {
    flag: "--http-rate-limit <n>",
    env: "KHEISH_HTTP_RATE_LIMIT",
    help: "requests a minute that one token may make; 0 (default) is no limit",
  },
  eventHistoryCapacity: {
    flag: "--event-history-capacity <n>",
    env: "KHEISH_EVENT_HISTORY_CAPACITY",
    help: "events a stream can replay; default 2048",
  },
  logFormat: {
    flag: "--log-format <format>",
    env: "KHEISH_LOG_FORMAT",
    help: `${logFormats.join(", ")}; default auto: pretty on a terminal`,
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "KHEISH_LOG_LEVEL",
    help: `${logLevels.join(", ")}; default info`,
  },
  disableScheduler: {
    flag: "--disable-scheduler",
    env: "KHEISH_DISABLE_SCHEDULER",
    help: "let no schedule fire",
  },
  otel: {
    flag: "--otel",
    env: "KHEISH_OTEL",
    help: "export a trace of every run over OTLP/HTTP; OTEL_* variables say where to",
  },
  lockWaitMs: {
    flag: "--lock-wait-ms <n>",
    env: "KHEISH_LOCK_WAIT_MS",
    help: "how long to wait for a daemon that is leaving the state root; default 5000",
  },
  resumeRestored: {
    flag: "--resume-restored",
    env: "KHEISH_RESUME_RESTORED",
    help: "let a store that came out of a backup take its original's place",
  },
  modelBudgetMaxTotalOutputTokens: {
    flag: "--model-budget-max-total-output-tokens <n>",
    env: "KHEISH_MODEL_BUDGET_MAX_TOTAL_OUTPUT_TOKENS",
    help: "sets budget 'model-budget': output tokens of the daemon, for ever",
  },
  modelBudgetMaxTotalCostUsd: {
    flag: "--model-budget-max-total-cost-usd <n>",
    env: "KHEISH_MODEL_BUDGET_MAX_TOTAL_COST_USD",
    help: "sets budget 'model-budget': US dollars of the daemon, for ever",
  },
  mcpConfig: {
    flag: "--mcp-config <path>",
    env: "KHEISH_MCP_CONFIG",
    help: "MCP servers, TOML with [mcp_servers.<name>]; default that of Codex, when there is one",
  },
  mcpCredentials: {
    flag: "--mcp-credentials <path>",
    env: "KHEISH_MCP_CREDENTIALS",
    help: "tokens that another program keeps for MCP servers, JSON",
  },
  mcpProfile: {
    flag: "--mcp-profile <id>",
    env: "KHEISH_MCP_PROFILES",
    help: "servers of the built-in catalog, repeatable; 'kheish mcp profiles list' has them",
    repeatable: true,
  },
  mcpDiscovery: {
    flag: "--mcp-discovery <auto|disabled>",
    env: "KHEISH_MCP_DISCOVERY",
    help: "whether MCP servers are found in the files of other programs; default auto",
  },
  sandbox: {
    flag: "--sandbox <mode>",
    env: "KHEISH_SANDBOX",
    help: `${sandboxModes.join(", ")}: keep commands and stdio servers apart from the machine; default auto, where it can be done`,
  },
  sandboxWrite: {
    flag: "--sandbox-write <path>",
    env: "KHEISH_SANDBOX_WRITE",
    help: "what they may write beside the workspace, repeatable",
    repeatable: true,
  },
  networkAllow: {
    flag: "--network-allow <host|cidr>",
    env: "KHEISH_NETWORK_ALLOW",
    help: "host, address or range that agents may reach though it is not public, repeatable; default none",
    repeatable: true,
  },
  webSearch: {
    flag: "--web-search <none|duckduckgo|url>",
    env: "KHEISH_WEB_SEARCH",
    help: "what web_search asks where the model's provider has no search: a SearXNG by its URL; default duckduckgo",
  },
  skillRoot: {
    flag: "--skill-root <path>",
    env: "KHEISH_SKILL_ROOTS",
    help: "a folder of skills, repeatable, before all others",
    repeatable: true,
  },
  skillDiscovery: {
    flag: "--skill-discovery <auto|disabled>",
    env: "KHEISH_SKILL_DISCOVERY",
    help: "whether skills are found in the workspace's repository, at home and in the daemon; default auto",
  },
  skillLock: {
    flag: "--skill-lock <path>",
    env: "KHEISH_SKILL_LOCK",
    help: "use the skills only that this lock file has, as they are there",
  },
  skillLockKey: {
    flag: "--skill-lock-key <path>",
    env: "KHEISH_SKILL_LOCK_KEYS",
    help: "Ed25519 public key, PEM, repeatable: one of them has to have signed the lock file",
    repeatable: true,
  },
  maxBodyBytes: {
    flag: "--max-body-bytes <n>",
    env: "KHEISH_MAX_BODY_BYTES",
    help: "largest body of a submission, which may hold files; default 25165824",
  },
} satisfies Record<string, Setting>;

export type ServeSetting = keyof typeof serveSettings;

export function addServeFlags(command: Command): Command {
  return addSettings(command, serveSettings);
}
