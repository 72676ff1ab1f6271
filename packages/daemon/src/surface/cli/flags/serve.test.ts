import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { ServeOptions } from "../serve-options.ts";
import { FakeMachine } from "../testing/run-cli.ts";
import { serveOptions } from "./serve.ts";
import { addServeFlags } from "./serve-settings.ts";
import type { FlagValues } from "./setting.ts";

function parse(argv: readonly string[], env: Record<string, string> = {}): ServeOptions {
  const command = addServeFlags(new Command("serve")).exitOverride();
  command.parse(argv, { from: "user" });
  const { context } = new FakeMachine({ env, workingDirectory: "/project" });
  return serveOptions(command.opts<FlagValues>(), context);
}

const defaults: ServeOptions = {
  bind: { host: "127.0.0.1", port: 4000 },
  stateRoot: "/project/.kheish-daemon",
  workspaceRoot: "/project",
  store: "sqlite",
  noSimulator: false,
  allowEmptyRoutes: false,
  providerEnv: {},
  approvalTimeoutMs: 0,
  httpAuthMode: "auto",
  corsAllowOrigins: [],
  eventHistoryCapacity: 2048,
  logFormat: "auto",
  logLevel: "info",
  disableScheduler: false,
  lockWaitMs: 5_000,
  otel: false,
  resumeRestored: false,
  mcp: { discovery: "auto", profiles: [] },
  skills: { explicit: [], discover: true, lockKeyFiles: [] },
};

describe("serve options", () => {
  it("have defaults", () => {
    expect(parse([])).toEqual(defaults);
  });

  it("come from flags", () => {
    const argv = [
      ...["--bind", "[::1]:0", "--state-root", "state", "--workspace-root", "/elsewhere"],
      ...["--store", "postgres://u:p@db/kheish", "--routes-file", "routes.toml", "--default-route", "main"],
      ...["--no-simulator", "--permission-mode", "accept-edits", "--approval-timeout-ms", "60000"],
      ...["--http-auth-mode", "bearer", "--http-admin-token", "a", "--http-readonly-token-file", "r"],
      ...["--http-cors-allow-origin", "http://a", "--http-cors-allow-origin", "http://b"],
      ...["--event-history-capacity", "999999999", "--log-format", "json", "--log-level", "debug"],
      ...["--disable-scheduler", "--max-body-bytes", "1024"],
      ...["--http-cors-allow-hosted-origin", "https://c", "--http-trusted-proxy", "10.0.0.0/8"],
      ...[
        "--http-max-streams",
        "10000",
        "--http-max-streams-per-principal",
        "50",
        "--http-rate-limit",
        "600",
      ],
      ...["--lock-wait-ms", "0", "--otel", "--resume-restored"],
      ...["--mcp-config", "mcp.toml", "--mcp-credentials", "/c.json", "--mcp-discovery", "disabled"],
      ...["--mcp-profile", "docs, repo", "--mcp-profile", "planning"],
      ...["--network-allow", "wiki.internal", "--network-allow", "10.0.0.0/8", "--web-search", "none"],
      ...["--skill-root", "skills,/shared/skills", "--skill-root", "more", "--skill-discovery", "disabled"],
      ...["--skill-lock", "skills.lock.json", "--skill-lock-key", "key.pem"],
    ];
    expect(parse(argv)).toEqual({
      bind: { host: "::1", port: 0 },
      stateRoot: "/project/state",
      workspaceRoot: "/elsewhere",
      store: "postgres://u:p@db/kheish",
      routesFile: "/project/routes.toml",
      defaultRoute: "main",
      noSimulator: true,
      allowEmptyRoutes: false,
      providerEnv: {},
      permissionMode: "acceptEdits",
      approvalTimeoutMs: 60_000,
      httpAuthMode: "bearer",
      adminToken: "a",
      readonlyTokenFile: "/project/r",
      corsAllowOrigins: ["http://a", "http://b"],
      eventHistoryCapacity: 262_144,
      logFormat: "json",
      logLevel: "debug",
      disableScheduler: true,
      lockWaitMs: 0,
      otel: true,
      resumeRestored: true,
      maxBodyBytes: 1024,
      corsAllowHostedOrigins: ["https://c"],
      trustedProxies: ["10.0.0.0/8"],
      maxStreams: 10_000,
      maxStreamsPerPrincipal: 50,
      requestsPerMinute: 600,
      networkAllow: ["wiki.internal", "10.0.0.0/8"],
      webSearch: "none",
      mcp: {
        discovery: "disabled",
        profiles: ["docs", "repo", "planning"],
        configFile: "/project/mcp.toml",
        credentialsFile: "/c.json",
      },
      skills: {
        explicit: ["/project/skills", "/shared/skills", "/project/more"],
        discover: false,
        lockFile: "/project/skills.lock.json",
        lockKeyFiles: ["/project/key.pem"],
      },
    });
  });

  it("come from the environment, where flags win over it and emptiness is absence", () => {
    const env = {
      KHEISH_BIND: "0.0.0.0:80",
      KHEISH_STATE_ROOT: "",
      KHEISH_NO_SIMULATOR: "true",
      KHEISH_DISABLE_SCHEDULER: "0",
      KHEISH_PERMISSION_MODE: "dontAsk",
      KHEISH_HTTP_CORS_ALLOW_ORIGINS: "http://a, http://b,",
      KHEISH_LOG_LEVEL: "trace",
      KHEISH_DAEMON_ADMIN_TOKEN_FILE: "/run/secrets/admin",
      KHEISH_HTTP_TRUSTED_PROXIES: "127.0.0.1, ::1",
      KHEISH_HTTP_MAX_STREAMS: "2048",
      KHEISH_MCP_PROFILES: "docs,repo",
      KHEISH_NETWORK_ALLOW: "localhost, fd00::/8",
      KHEISH_WEB_SEARCH: "http://127.0.0.1:8888",
      KHEISH_SKILL_ROOTS: "/a,/b",
    };
    expect(parse(["--log-level", "warn", "--http-admin-token", "a"], env)).toEqual({
      ...defaults,
      bind: { host: "0.0.0.0", port: 80 },
      noSimulator: true,
      permissionMode: "dontAsk",
      corsAllowOrigins: ["http://a", "http://b"],
      logLevel: "warn",
      adminToken: "a",
      trustedProxies: ["127.0.0.1", "::1"],
      maxStreams: 2048,
      networkAllow: ["localhost", "fd00::/8"],
      webSearch: new URL("http://127.0.0.1:8888"),
      mcp: { discovery: "auto", profiles: ["docs", "repo"] },
      skills: { explicit: ["/a", "/b"], discover: true, lockKeyFiles: [] },
    });
  });

  it("02-R26 02-R27 02-R31 what is said of providers wins over the variable of the same meaning", () => {
    const argv = [
      ...["--allow-empty-routes", "--provider", "openai", "--model", "gpt-5.4", "--api-key", "k"],
      ...["--google-api-key", "g", "--openai-base-url", "http://proxy/v1", "--openai-project", "p"],
      ...["--anthropic-beta-header", "a", "--anthropic-beta-header", "b", "--xai-base-url", "http://x"],
    ];
    const { allowEmptyRoutes, providerEnv } = parse(argv, {
      OPENAI_BASE_URL: "http://other",
      KHEISH_MODEL: "m",
    });
    expect(allowEmptyRoutes).toBe(true);
    expect(providerEnv).toEqual({
      KHEISH_PROVIDER: "openai",
      KHEISH_MODEL: "gpt-5.4",
      KHEISH_API_KEY: "k",
      KHEISH_GOOGLE_API_KEY: "g",
      OPENAI_BASE_URL: "http://proxy/v1",
      OPENAI_PROJECT: "p",
      ANTHROPIC_BETA_HEADERS: "a,b",
      XAI_BASE_URL: "http://x",
    });
    expect(parse([], { OPENAI_BASE_URL: "http://other" }).providerEnv).toEqual({});
  });

  it("02-R26 where a route's login is comes as an absolute path, from a flag and from a variable", () => {
    const argv = ["--openai-auth-source", "codex", "--openai-auth-file", "auth.json"];
    const env = {
      KHEISH_OPENAI_AUTH_SOURCE: "api-key",
      KHEISH_ANTHROPIC_AUTH_SOURCE: "auto",
      KHEISH_ANTHROPIC_CREDENTIALS_FILE: "/home/me/credentials.json",
    };
    expect(parse(argv, env).providerEnv).toEqual({
      KHEISH_OPENAI_AUTH_SOURCE: "codex",
      KHEISH_OPENAI_AUTH_FILE: "/project/auth.json",
      KHEISH_ANTHROPIC_AUTH_SOURCE: "auto",
      KHEISH_ANTHROPIC_CREDENTIALS_FILE: "/home/me/credentials.json",
    });
  });

  it.each([
    [["--bind", "4000"], {}, "--bind must be host:port, such as 127.0.0.1:4000"],
    [["--bind", "127.0.0.1:70000"], {}, "--bind must be host:port, such as 127.0.0.1:4000"],
    [[], { KHEISH_BIND: "x:y" }, "KHEISH_BIND must be host:port, such as 127.0.0.1:4000"],
    [["--store", "mysql://u:secret@db"], {}, "--store must be 'sqlite' or a postgres:// URL"],
    [["--permission-mode", "never"], {}, "--permission-mode must be one of default, accept-edits,"],
    [["--openai-auth-source", "claude-code"], {}, "--openai-auth-source must be one of auto, api-key, codex"],
    [
      [],
      { KHEISH_ANTHROPIC_AUTH_SOURCE: "claude_code" },
      "KHEISH_ANTHROPIC_AUTH_SOURCE must be one of auto, api-key, claude-code",
    ],
    [["--log-level", "loud"], {}, "--log-level must be one of error, warn, info, debug, trace"],
    [[], { KHEISH_APPROVAL_TIMEOUT_MS: "soon" }, "KHEISH_APPROVAL_TIMEOUT_MS must be a whole number"],
    [["--network-allow", "a", "--network-allow", "secret:80"], {}, "--network-allow must be a host name,"],
    [[], { KHEISH_NETWORK_ALLOW: "a,10.0.0.0/99" }, "and entry 2 is none of them"],
    [["--web-search", "bing"], {}, "--web-search must be none, duckduckgo or the URL of a SearXNG"],
    [["--web-search", "http://u:secret@x/"], {}, "--web-search must be none, duckduckgo or the URL"],
    [["--http-max-streams", "0"], {}, "--http-max-streams must be at least 1"],
    [[], { KHEISH_NO_SIMULATOR: "maybe" }, "KHEISH_NO_SIMULATOR must be true or false"],
    [
      ["--http-admin-token", "secret", "--http-admin-token-file", "f"],
      {},
      "give --http-admin-token or --http-admin-token-file, not both",
    ],
    [
      [],
      { KHEISH_DAEMON_READONLY_TOKEN: "secret", KHEISH_DAEMON_READONLY_TOKEN_FILE: "f" },
      "give --http-readonly-token or --http-readonly-token-file, not both",
    ],
  ])("refuse %j with %j, by name and without the value", (argv, env, message) => {
    expect(() => parse(argv, env)).toThrow(message);
    expect(() => parse(argv, env)).not.toThrow("secret");
  });
});
