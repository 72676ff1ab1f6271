import type { SandboxMode, SandboxStatus } from "@kheish/contract";
import type { World } from "../compose/world.ts";
import { openTaskOutputs } from "../features/tasks/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { childEnvironment, commandLauncher, HeldCommands, startShell } from "../tools/bash/index.ts";
import type { ServerProcessRequest, StartServerProcess } from "../tools/mcp/index.ts";
import { systemTraces } from "../tools/process/traces.ts";
import { openSandbox } from "../tools/sandbox/open.ts";
import type { Sandbox } from "../tools/sandbox/sandbox.ts";
import type { Env } from "./environment.ts";

export interface ShellSettings {
  mode: SandboxMode;
  writable: readonly string[];
  stateRoot: string;
  workspaceRoot: string;
  secretFiles: readonly string[];
  /** The longest that a command in the background may run. */
  maxMs: number;
}

/** How commands and stdio servers are run on this machine. Throws `SandboxUnavailable`. */
export async function openShells(
  settings: ShellSettings,
  env: Env,
): Promise<{ shells: NonNullable<World["shells"]>; sandbox: Sandbox; status: SandboxStatus }> {
  const { sandbox, status } = await openSandbox({ ...settings, hostEnv: env, platform: process.platform });
  return {
    sandbox,
    status,
    shells: {
      launcher: commandLauncher({ start: startShell, childEnv: childEnvironment(env), sandbox }),
      held: new HeldCommands(systemClock),
      outputs: await openTaskOutputs(settings.stateRoot),
      traces: systemTraces(),
      maxMs: settings.maxMs,
    },
  };
}

/** Stdio servers behind the same sandbox as commands; what they are for often lies on the network. */
export function sandboxedServers(
  start: StartServerProcess,
  sandbox: Sandbox,
  workspaceRoot: string,
): StartServerProcess {
  const { argv, env } = sandbox.launcher({ workspaceRoot, network: true });
  const [program, ...before] = argv;
  if (program === undefined) return start;
  return (request: ServerProcessRequest) =>
    start({
      ...request,
      command: program,
      args: [...before, request.command, ...request.args],
      env: { ...env, ...request.env },
    });
}

/** Files that the daemon was told to read secrets from. */
export function secretFilesOf(env: Env, named: readonly (string | undefined)[]): string[] {
  const fromEnv = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith("KHEISH_") && name.endsWith("_FILE") && value !== undefined ? [value] : [],
  );
  return [...fromEnv, ...named.filter((path) => path !== undefined)];
}
