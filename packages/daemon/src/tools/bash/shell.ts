import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface ShellRequest {
  command: string;
  /** Absolute. */
  cwd: string;
  env: Record<string, string>;
}

/** One of the two is null, as Node has it. */
export interface ShellExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running shell and everything it started, as one process group. */
export interface Shell {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Settles when the shell itself has ended, which its children may outlive; rejects when it could not start. */
  readonly exited: Promise<ShellExit>;
  /** Signals every process of the group, 0 to ask only; false when none is left. */
  signalGroup(signal: "SIGTERM" | "SIGKILL" | 0): boolean;
  /** Stops reading: a process that left the group may hold the pipes open for ever. */
  closePipes(): void;
}

export type StartShell = (request: ShellRequest) => Shell;

/** `/bin/bash -lc` with an empty stdin, in a process group of its own. */
export const startShell: StartShell = ({ command, cwd, env }) => {
  // "--": a command that begins with a dash is a command, not an option.
  const child = spawn("/bin/bash", ["-lc", "--", command], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<ShellExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return {
    stdout: chunksOf(child.stdout),
    stderr: chunksOf(child.stderr),
    exited,
    signalGroup: (signal) => child.pid !== undefined && signalGroup(child.pid, signal),
    closePipes() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
};

function signalGroup(groupId: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-groupId, signal);
  } catch {
    // ESRCH: nobody is left. EPERM: who is left changed its user, and is out of our reach as well.
    return false;
  }
}

/** Ends when the pipe does, also when it was closed on our side. */
async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!stream.destroyed) throw error;
  }
}
