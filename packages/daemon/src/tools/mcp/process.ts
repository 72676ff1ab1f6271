import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { guard } from "../process/guard.ts";
import { inputOf, outputOf } from "../process/pipes.ts";

export interface ServerProcessRequest {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute. */
  cwd: string;
}

/** A server and everything it started, as one process group. */
export interface ServerProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with what it ended with, in words; rejects when it could not start. */
  readonly exited: Promise<string>;
  /** Signals every process of the group; false when none is left. */
  signalGroup(signal: "SIGTERM" | "SIGKILL"): boolean;
}

export type StartServerProcess = (request: ServerProcessRequest) => ServerProcess;

/**
 * Starts a server in a process group of its own, so that all it started ends with it, also when the daemon dies without
 * a word: its guard sees the pipe from the daemon close and ends the group.
 */
export const startServerProcess: StartServerProcess = ({ command, args, env, cwd }) => {
  const child = spawn(command, [...args], { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const dismiss = child.pid === undefined ? () => undefined : guard(child.pid);
  const exited = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", dismiss);
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
    );
  });
  return {
    pid: child.pid,
    stdin: inputOf(child.stdin),
    stdout: outputOf(child.stdout),
    stderr: outputOf(child.stderr),
    exited,
    signalGroup(signal) {
      if (child.pid === undefined) return false;
      try {
        return process.kill(-child.pid, signal);
      } catch {
        return false;
      }
    },
  };
};
