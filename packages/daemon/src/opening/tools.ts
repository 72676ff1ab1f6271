import { fileURLToPath } from "node:url";
import type { SandboxStatus } from "@kheish/contract";
import type { World } from "../compose/world.ts";
import type { ModelPort, Tool } from "../engine/index.ts";
import { loadSkills } from "../features/skills/index.ts";
import { networkAllow } from "../governance/outbound/network-allow.ts";
import { redactedTools } from "../governance/redaction/redacted-tools.ts";
import { packageFile, packageVersion } from "../kernel/package.ts";
import { createBuiltinTools, toolPort } from "../tools/index.ts";
import { SkillLibrary, skillTools } from "../tools/skills/index.ts";
import { webTools } from "../tools/web/index.ts";
import { readText, wholeNumber } from "./environment.ts";
import type { Governance } from "./governance.ts";
import type { Ground } from "./ground.ts";
import { openMcp } from "./mcp.ts";
import { network } from "./network.ts";
import { openShells, secretFilesOf } from "./shells.ts";

export interface ToolSide extends Pick<World, "tools">, Required<Pick<World, "mcp" | "skills" | "shells">> {
  sandbox: SandboxStatus;
}

const ONE_DAY_MS = 24 * 60 * 60_000;

/** All that a run can call: the built-in tools, the web, skills, `extra` ones, and what MCP servers offer. */
export async function openTools(
  ground: Ground,
  governance: Governance,
  models: ModelPort,
  extra: readonly Tool[],
): Promise<ToolSide> {
  const { options, env, redactor, metrics } = ground;
  const { shells, sandbox, status } = await openShells(shellSettings(ground), env);
  const mcp = openMcp(ground, governance, sandbox);
  const builtin = createBuiltinTools({
    hostEnv: env,
    commands: shells.launcher,
    held: shells.held,
    includeNoop: !options.noSimulator,
  });
  const web = webTools({
    network,
    allow: networkAllow(options.networkAllow ?? []),
    record: (action) => governance.audit.ledger.record(action),
    userAgent: `kheish/${packageVersion()}`,
    models,
    localSearch: options.webSearch ?? "duckduckgo",
  });
  const skills = openSkills(ground);
  const own = toolPort([...builtin.all(), ...web, ...skillTools(skills.library), ...extra]);
  return {
    tools: metrics.tools(redactedTools(mcp.servers.beside(own), redactor)),
    mcp,
    skills,
    shells,
    sandbox: status,
  };
}

function shellSettings({ options, env, stateRoot, workspaceRoot }: Ground) {
  return {
    mode: options.sandbox ?? "auto",
    writable: options.sandboxWrite ?? [],
    stateRoot: stateRoot.path,
    workspaceRoot,
    secretFiles: secretFilesOf(env, [
      options.adminTokenFile,
      options.readonlyTokenFile,
      options.mcp?.credentialsFile,
    ]),
    maxMs: wholeNumber(env, "KHEISH_BACKGROUND_COMMAND_MAX_MS", ONE_DAY_MS),
  };
}

function openSkills({ options, env, workspaceRoot }: Ground): NonNullable<World["skills"]> {
  const settings = {
    explicit: [],
    discover: false,
    lockKeyFiles: [],
    ...options.skills,
    workspaceRoot,
    home: env.HOME,
    builtIn: fileURLToPath(packageFile("skills")),
  };
  return { library: new SkillLibrary(), load: () => loadSkills(settings, readText) };
}
