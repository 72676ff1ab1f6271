import type { IsolationName } from "@kheish/contract";
import { bubblewrapArgs, isWithin } from "./bubblewrap.ts";

/** What keeps the commands of agents and the servers they use apart from the machine. */
export interface Sandbox {
  readonly name: IsolationName;
  /** The program and the arguments that a command is put behind; nothing where there is no sandbox. */
  launcher(wish: SandboxWish): Launcher;
}

export interface SandboxWish {
  /** Absolute, real: what may be written besides what the operator allows. */
  workspaceRoot: string;
  network: boolean;
}

export interface Launcher {
  argv: readonly string[];
  /** Where programs find room to write: their caches would else stand in a home that is read-only. */
  env: Readonly<Record<string, string>>;
}

export const NO_SANDBOX: Sandbox = { name: "none", launcher: () => ({ argv: [], env: {} }) };

export interface BubblewrapOptions {
  /** Absolute. */
  program: string;
  /** Absolute, real: what commands may write beside the workspace. */
  writable: readonly string[];
  /** Absolute, real: what may be read though it lies in what is hidden. */
  readable: readonly string[];
  hidden: readonly { path: string; kind: "directory" | "file" }[];
  /** A folder of the daemon's own that commands find as `/tmp`. */
  scratch: string;
}

const ROOM: Readonly<Record<string, string>> = {
  TMPDIR: "/tmp",
  XDG_CACHE_HOME: "/tmp/.cache",
  npm_config_cache: "/tmp/.npm",
};

/** Everything in front of one command, by bubblewrap. */
export function bubblewrap({ program, writable, readable, hidden, scratch }: BubblewrapOptions): Sandbox {
  return {
    name: "bubblewrap",
    launcher: ({ workspaceRoot, network }) => ({
      argv: [
        program,
        ...bubblewrapArgs({
          writable: [workspaceRoot, ...writable.filter((path) => !isWithin(workspaceRoot, path))],
          readable,
          hidden,
          scratch,
          network,
        }),
        "--",
      ],
      env: ROOM,
    }),
  };
}
