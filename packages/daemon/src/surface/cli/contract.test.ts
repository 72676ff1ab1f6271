import type { Command } from "commander";
import { expect, it } from "vitest";
import type { Cli } from "./cli.ts";
import { serveSettings } from "./flags/serve-settings.ts";
import type { Setting } from "./flags/setting.ts";
import { buildProgram } from "./program.ts";
import { FakeMachine } from "./testing/run-cli.ts";

const OFFLINE = ["offline", "state-root"];
const SOURCE = ["value", "from-env", "from-file", "stdin"];
const DOCUMENT = ["file", "stdin", "reset", "expected-revision"];
const CHANGE = ["expected-revision"];

/** Every command of 02 whose feature this daemon has, with its flags. */
const COMMANDS: readonly [string, readonly string[]][] = [
  ["up", ["no-open"]],
  ["start", []],
  ["status", []],
  ["capabilities", []],
  ["doctor", ["cors-origin"]],
  [
    "doctor routes",
    [
      "route",
      "default-route",
      "check-auth",
      "check-references",
      "canary",
      "canary-timeout-ms",
      "routes-file",
    ],
  ],
  ["runtime get", []],
  ["runtime set-model", CHANGE],
  ["runtime set-permission-mode", CHANGE],
  ["runtime set-debug-level", CHANGE],
  [
    "runtime set-system-prompt",
    [
      ...["mode", "content-file", "stdin", "language", "output-style", "clear-text", "clear-language"],
      ...["clear-output-style", "reset", "expected-revision"],
    ],
  ],
  ["runtime hooks get", []],
  ["runtime hooks set", [...DOCUMENT, "skip-hooks"]],
  ["runtime hooks dead-letter", []],
  ["runtime hooks resolve-dead-letter", ["reason"]],
  ...["learning-policy", "run-memory-policy", "tool-limits"].flatMap(
    (policy): [string, readonly string[]][] => [
      [`runtime ${policy} get`, []],
      [`runtime ${policy} set`, DOCUMENT],
    ],
  ),
  ["runtime revisions", []],
  ["runtime diff", []],
  ["runtime rollback", ["target-revision", "expected-revision", "skip-hooks", "setting"]],
  ["runtime permissions check", ["input-json", "session-id", "tool-call-id", "mode"]],
  ["runtime permissions matrix", ["session-id"]],
  ["runtime auth subject", []],
  ["runtime auth revoke-subject", []],
  ["runtime auth reinstate-subject", ["reason"]],
  ["runtime auth lease", []],
  ["runtime auth revoke-lease", []],
  ["runtime auth revoke-slot", []],
  ["runtime auth disable-slot", ["reason"]],
  ["runtime auth enable-slot", []],
  ["runtime auth accounts list", []],
  ["runtime auth accounts get", []],
  ["runtime auth accounts refresh", []],
  ["runtime auth accounts revoke", []],
  ["secrets generate", []],
  ["secret list", OFFLINE],
  ["secrets get", OFFLINE],
  ["secrets delete", OFFLINE],
  ["secrets set", ["provider", ...SOURCE, "organization", "project", ...OFFLINE]],
  ["secrets import-codex", ["file", "organization", "project", ...OFFLINE]],
  ["secrets import-claude-code", ["file", ...OFFLINE]],
  ["secrets rekey", ["new-key-file", "generate"]],
  [
    "mcp oauth login",
    [
      ...["url", "slot", "client-id", "client-secret", "client-secret-env", "client-secret-file"],
      ...[
        "client-secret-stdin",
        "scopes",
        "no-open",
        "callback-port",
        "timeout-sec",
        "allow-http-for-loopback",
      ],
    ],
  ],
  ["mcp oauth status", ["slot"]],
  ["mcp oauth refresh", ["slot"]],
  ["mcp oauth logout", ["slot"]],
  ["mcp auth slots", []],
  ["mcp auth set", ["credential-env", ...SOURCE]],
  ["run external-actions", []],
  ["events stream", ["session-id", "run-id", "cursor"]],
  ["events watch", ["session-id", "run-id", "cursor"]],
  ["events follow", ["session-id", "run-id", "cursor"]],
  ["audit export", ["out", "run", "session", "since"]],
  ["audit verify", ["public-key"]],
  ["audit keys", []],
  ["backup", ["out"]],
  ["restore", ["state-root", "verify"]],
  ["tokens create", ["verb", "resource", "expires-in"]],
  ["tokens list", []],
  ["tokens revoke", []],
  ["budgets list", []],
  ["budgets get", []],
  ["budgets set", []],
  ["budgets delete", []],
];

/** The same of `serve`, with the variable behind each flag. */
const SERVE: Readonly<Record<string, string>> = {
  bind: "KHEISH_BIND",
  "state-root": "KHEISH_STATE_ROOT",
  "workspace-root": "KHEISH_WORKSPACE_ROOT",
  "routes-file": "KHEISH_ROUTES_FILE",
  "default-route": "KHEISH_DEFAULT_ROUTE",
  "allow-empty-routes": "KHEISH_ALLOW_EMPTY_ROUTES",
  "http-auth-mode": "KHEISH_HTTP_AUTH_MODE",
  "http-admin-token": "KHEISH_DAEMON_ADMIN_TOKEN",
  "http-admin-token-file": "KHEISH_DAEMON_ADMIN_TOKEN_FILE",
  "http-readonly-token": "KHEISH_DAEMON_READONLY_TOKEN",
  "http-readonly-token-file": "KHEISH_DAEMON_READONLY_TOKEN_FILE",
  "http-cors-allow-origin": "KHEISH_HTTP_CORS_ALLOW_ORIGINS",
  "event-history-capacity": "KHEISH_EVENT_HISTORY_CAPACITY",
  "log-format": "KHEISH_LOG_FORMAT",
  "log-level": "KHEISH_LOG_LEVEL",
  "mcp-discovery": "KHEISH_MCP_DISCOVERY",
  "mcp-config": "KHEISH_MCP_CONFIG",
  "mcp-credentials": "KHEISH_MCP_CREDENTIALS",
  "mcp-profile": "KHEISH_MCP_PROFILES",
  provider: "KHEISH_PROVIDER",
  model: "KHEISH_MODEL",
  "api-key": "KHEISH_API_KEY",
  "google-api-key": "GOOGLE_API_KEY",
  "anthropic-base-url": "ANTHROPIC_BASE_URL",
  "anthropic-version": "ANTHROPIC_VERSION",
  "anthropic-beta-header": "ANTHROPIC_BETA_HEADERS",
  "openai-base-url": "OPENAI_BASE_URL",
  "openai-organization": "OPENAI_ORGANIZATION",
  "openai-project": "OPENAI_PROJECT",
  "google-base-url": "GOOGLE_BASE_URL",
  "openrouter-base-url": "OPENROUTER_BASE_URL",
  "xai-base-url": "XAI_BASE_URL",
  "openai-auth-source": "KHEISH_OPENAI_AUTH_SOURCE",
  "openai-auth-file": "KHEISH_OPENAI_AUTH_FILE",
  "anthropic-auth-source": "KHEISH_ANTHROPIC_AUTH_SOURCE",
  "anthropic-credentials-file": "KHEISH_ANTHROPIC_CREDENTIALS_FILE",
  "skill-root": "KHEISH_SKILL_ROOTS",
  "disable-scheduler": "KHEISH_DISABLE_SCHEDULER",
  "model-budget-max-total-output-tokens": "KHEISH_MODEL_BUDGET_MAX_TOTAL_OUTPUT_TOKENS",
  "model-budget-max-total-cost-usd": "KHEISH_MODEL_BUDGET_MAX_TOTAL_COST_USD",
};

async function program(): Promise<Command> {
  // No command is run.
  const built = buildProgram(() => ({}) as Cli, new FakeMachine().context.terminal);
  await built.loadAll();
  return built.program;
}

function commandAt(root: Command, path: string): Command | undefined {
  return path
    .split(" ")
    .reduce<Command | undefined>(
      (command, word) =>
        command?.commands.find((child) => child.name() === word || child.aliases().includes(word)),
      root,
    );
}

it("02 CLI: every command of the page is there, with each of its flags", async () => {
  const root = await program();
  const missing = COMMANDS.flatMap(([path, flags]) => {
    const command = commandAt(root, path);
    if (command === undefined) return [path];
    const has = new Set(command.options.map(({ long }) => long));
    return flags.filter((flag) => !has.has(`--${flag}`)).map((flag) => `${path} --${flag}`);
  });
  expect(missing).toEqual([]);
});

it("02 CLI: what the command line of the page says of the whole tool", async () => {
  const { options } = await program();
  expect(options.map(({ long }) => long)).toEqual(
    expect.arrayContaining(["--base-url", "--token", "--token-file", "--output"]),
  );
});

it("02 Configuration: every flag of serve is there, with the variable behind it", () => {
  const settings: Setting[] = Object.values(serveSettings);
  const given = new Map(settings.map(({ flag, env }) => [flag.split(" ")[0]?.slice(2), env]));
  for (const [flag, env] of Object.entries(SERVE)) expect([flag, given.get(flag)]).toEqual([flag, env]);
});
