import type { World } from "../compose/world.ts";
import { type LoadedMcp, loadMcp, type McpSettings } from "../features/mcp/index.ts";
import { mcpCredentials } from "../governance/broker/mcp-credentials.ts";
import { systemClock } from "../kernel/clock.ts";
import { packageVersion } from "../kernel/package.ts";
import { systemRandom } from "../kernel/random.ts";
import { McpServers, openConnection, startServerProcess } from "../tools/mcp/index.ts";
import type { Sandbox } from "../tools/sandbox/sandbox.ts";
import { readIfPresent } from "./environment.ts";
import type { Governance } from "./governance.ts";
import type { Ground } from "./ground.ts";
import { sandboxedServers } from "./shells.ts";

const NO_MCP: McpSettings = { discovery: "disabled", profiles: [] };

/**
 * The daemon's MCP servers, none of them started, and how to read which there should be. Those over stdio run behind
 * `sandbox`.
 */
export function openMcp(ground: Ground, governance: Governance, sandbox: Sandbox): NonNullable<World["mcp"]> {
  const { env, workspaceRoot, redactor, log } = ground;
  const credentials = mcpCredentials(governance.credentials, governance.accounts);
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
    record: (action) => governance.audit.ledger.record(action),
    isolation: sandbox.name,
  });
  return { servers, load: loaderOf(ground, governance) };
}

/** Literal values of a server's entry may be secrets: they show nowhere. */
function loaderOf({ options, env, redactor }: Ground, { credentials: { vault } }: Governance) {
  return async (): Promise<LoadedMcp> => {
    const loaded = await loadMcp(options.mcp ?? NO_MCP, {
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
