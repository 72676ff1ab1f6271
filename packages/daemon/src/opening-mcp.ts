import { type LoadedMcp, loadMcp, type McpSettings } from "./features/mcp/index.ts";
import type { Accounts } from "./governance/accounts/accounts.ts";
import type { AuditLedger } from "./governance/audit/index.ts";
import { mcpCredentials } from "./governance/broker/mcp-credentials.ts";
import type { Credentials } from "./governance/credentials.ts";
import type { Redactor } from "./governance/redaction/redactor.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { systemRandom } from "./kernel/random.ts";
import { type Env, readIfPresent } from "./opening.ts";
import { sandboxedServers } from "./shells.ts";
import { packageVersion } from "./surface/cli/version.ts";
import { McpServers, openConnection, startServerProcess } from "./tools/mcp/index.ts";
import type { Sandbox } from "./tools/sandbox/sandbox.ts";

export interface McpParts {
  settings: McpSettings | undefined;
  env: Env;
  workspaceRoot: string;
  credentials: Credentials;
  accounts: Accounts;
  audit: AuditLedger;
  redactor: Redactor;
  log: Log;
  /** What stdio servers run behind. */
  sandbox: Sandbox;
}

const NO_MCP: McpSettings = { discovery: "disabled", profiles: [] };

/** The daemon's MCP servers, none of them started, and how to read which there should be. */
export function openMcp(parts: McpParts): { servers: McpServers; load: () => Promise<LoadedMcp> } {
  const { env, workspaceRoot, audit, redactor, log, sandbox } = parts;
  const credentials = mcpCredentials(parts.credentials, parts.accounts);
  const servers = new McpServers({
    clock: systemClock,
    random: systemRandom,
    log,
    credentials,
    connect: openConnection({
      clock: systemClock,
      fetch: globalThis.fetch,
      hostEnv: env,
      holdsSecret: (text) => redactor.text(text) !== text,
      workspaceRoot,
      version: packageVersion(),
      credentials,
      startProcess: sandboxedServers(startServerProcess, sandbox, workspaceRoot),
      holdSecrets: (source, secrets) => redactor.hold(source, secrets),
    }),
    redact: (text) => redactor.foreignText(text),
    record: (action) => audit.record(action),
    isolation: sandbox.name,
  });
  return { servers, load: loaderOf(parts) };
}

/** Literal values of a server's entry may be secrets: they show nowhere. */
function loaderOf({ settings = NO_MCP, env, credentials: { vault }, redactor }: McpParts) {
  return async () => {
    const loaded = await loadMcp(settings, {
      home: env.HOME,
      readIfPresent,
      now: () => systemClock.now(),
      slotState: (slotId) => {
        const status = vault.status(slotId);
        if (status === undefined) return "missing";
        return status.disabled === true ? "revoked" : "usable";
      },
    });
    for (const { name, importedBearer } of loaded.specs) redactor.hold(`mcp:${name}`, [importedBearer]);
    return loaded;
  };
}
