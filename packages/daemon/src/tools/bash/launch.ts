import { NO_SANDBOX, type Sandbox } from "../sandbox/sandbox.ts";
import type { Shell, StartShell } from "./shell.ts";

/** A command of an agent, wherever it runs: in the foreground of a call or as a task of its session. */
export interface CommandRequest {
  command: string;
  /** Absolute, both. */
  cwd: string;
  workspaceRoot: string;
  network: boolean;
  /** Beside what every command is given. */
  env?: Readonly<Record<string, string>>;
}

/** Starts commands of agents, each behind the sandbox and none for longer than this daemon lives. */
export interface CommandLauncher {
  readonly sandbox: Sandbox;
  launch(request: CommandRequest): Shell;
}

export function commandLauncher(parts: {
  start: StartShell;
  childEnv: Readonly<Record<string, string>>;
  sandbox?: Sandbox;
}): CommandLauncher {
  const { start, childEnv, sandbox = NO_SANDBOX } = parts;
  return {
    sandbox,
    launch({ command, cwd, workspaceRoot, network, env = {} }) {
      const launcher = sandbox.launcher({ workspaceRoot, network });
      return start({
        command,
        cwd,
        env: { ...childEnv, ...launcher.env, ...env },
        guarded: true,
        ...(launcher.argv.length === 0 ? {} : { launcher: launcher.argv }),
      });
    },
  };
}
