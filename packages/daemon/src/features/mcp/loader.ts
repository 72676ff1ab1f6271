import { join } from "node:path";
import type { ServerSpec } from "../../tools/mcp/index.ts";
import { catalogServers, type SlotState } from "./catalog-servers.ts";
import { McpConfigError } from "./config-error.ts";
import { readConfigFile } from "./config-file.ts";
import { withImportedTokens } from "./imported-credentials.ts";

export interface McpSettings {
  /** Absolute. */
  configFile?: string;
  /** Absolute. */
  credentialsFile?: string;
  /** `auto`: without a file of ours, that of Codex is read. */
  discovery: "auto" | "disabled";
  profiles: readonly string[];
}

export interface LoadedMcp {
  configPath?: string;
  profiles: readonly string[];
  specs: ServerSpec[];
  skipped: string[];
}

export interface LoaderDeps {
  home: string | undefined;
  /** Undefined when there is no such file. */
  readIfPresent: (path: string) => Promise<string | undefined>;
  slotState: SlotState;
  now: () => number;
}

/** Everything that is configured now, from files and catalog (03-R57). Rejects with `McpConfigError`. */
export async function loadMcp(settings: McpSettings, deps: LoaderDeps): Promise<LoadedMcp> {
  const { configPath, specs: configured, skipped } = await configuredServers(settings, deps);
  const usable = configured.filter((spec) => isUsable(spec, deps.slotState, skipped));
  const specs = [...usable, ...catalogServers(settings.profiles, deps.slotState)];
  const twice = specs.find((spec, at) => specs.findIndex(({ name }) => name === spec.name) < at);
  if (twice !== undefined)
    throw new McpConfigError(
      `MCP server '${twice.name}' is configured twice, in the file and by a catalog profile`,
    );
  return {
    profiles: settings.profiles,
    specs,
    skipped,
    ...(configPath === undefined ? {} : { configPath }),
  };
}

async function configuredServers(settings: McpSettings, deps: LoaderDeps) {
  const { configFile, credentialsFile, discovery } = settings;
  const isFound = configFile === undefined && discovery === "auto" && deps.home !== undefined;
  const codex = (name: string) => join(deps.home ?? "", ".codex", name);
  const path = configFile ?? (isFound ? codex("config.toml") : undefined);
  const text = path === undefined ? undefined : await deps.readIfPresent(path);
  if (path === undefined || text === undefined) {
    if (configFile !== undefined) throw new McpConfigError(`--mcp-config ${configFile} does not exist`);
    return { specs: [], skipped: [] };
  }
  const { specs, skipped } = isFound ? readFound(text, path) : readConfigFile(text, path, "named");
  const tokenPath = credentialsFile ?? (isFound ? codex(".credentials.json") : undefined);
  const tokens = tokenPath === undefined ? undefined : await deps.readIfPresent(tokenPath);
  if (tokenPath === undefined || tokens === undefined) {
    if (credentialsFile !== undefined)
      throw new McpConfigError(`--mcp-credentials ${credentialsFile} does not exist`);
    return { configPath: path, specs, skipped };
  }
  return { configPath: path, specs: withImportedTokens(specs, tokens, tokenPath, deps.now()), skipped };
}

/** What another program cannot read either keeps no daemon from starting. */
function readFound(text: string, path: string) {
  try {
    return readConfigFile(text, path, "found");
  } catch (error) {
    if (!(error instanceof McpConfigError)) throw error;
    return { specs: [], skipped: [error.message] };
  }
}

/** A slot that is not there keeps the daemon from starting; one that was revoked, only the entry (03-R61). */
function isUsable({ name, entry }: ServerSpec, slotState: SlotState, skipped: string[]): boolean {
  const slots = [
    entry.bearer_token_secret_ref,
    ...Object.values(entry.env_secret_refs),
    ...Object.values(entry.http_header_secret_refs),
  ].filter((slot) => slot !== undefined);
  for (const slot of slots) {
    const state = slotState(slot);
    if (state === "missing")
      throw new McpConfigError(`mcp_servers.${name}: there is no secret slot '${slot}'`);
    if (state === "usable") continue;
    skipped.push(`mcp_servers.${name} is left out: its secret slot '${slot}' is disabled`);
    return false;
  }
  return true;
}
