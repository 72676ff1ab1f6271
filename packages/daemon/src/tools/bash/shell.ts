import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { guard } from "../process/guard.ts";
import { outputOf } from "../process/pipes.ts";

export interface ShellRequest {
  command: string;
  /** Absolute. */
  cwd: string;
  env: Record<string, string>;
  /** Of the login shell; `/bin/bash` unless said otherwise. */
  shell?: string;
  /** What it reads; nothing unless said otherwise. */
  stdin?: string;
  /** A program and its arguments that the shell is put behind. */
  launcher?: readonly string[];
  /** It ends with the daemon, also when that dies without a word. */
  guarded?: boolean;
}

/** One of the two is null, as Node has it. */
export interface ShellExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running shell and everything it started, as one process group. */
export interface Shell {
  /** Also the number of its process group; absent when it could not start, or is no process. */
  readonly pid?: number;
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

/** A login shell in a process group of its own. */
export const startShell: StartShell = ({
  command,
  cwd,
  env,
  shell = "/bin/bash",
  stdin,
  launcher = [],
  guarded = false,
}) => {
  // "--": a command that begins with a dash is a command, not an option.
  const [program = shell, ...args] = [...launcher, shell, "-lc", "--", command];
  const child = spawn(program, args, {
    cwd,
    env,
    detached: true,
    // Without anything to read there is no pipe either: some commands take one for their input.
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  const [stdout, stderr] = [outputOf(child.stdout), outputOf(child.stderr)];
  // Whoever reads none of it closes the pipe early.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(stdin);
  const dismiss = guarded && child.pid !== undefined ? guard(child.pid) : () => undefined;
  const exited = new Promise<ShellExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", dismiss);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    stdout: chunksOf(stdout),
    stderr: chunksOf(stderr),
    exited,
    signalGroup: (signal) => child.pid !== undefined && signalGroup(child.pid, signal),
    closePipes() {
      stdout.destroy();
      stderr.destroy();
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
