import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

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
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
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

/** Waits for its standard input to end, which nobody writes to; a second is for those who end when told to. */
const GUARD = 'read -r _; kill -s TERM -- "-$1"; sleep 1; kill -s KILL -- "-$1"';

/** Watches over a process group from outside of it. Answers how to dismiss the guard. */
function guard(groupId: number): () => void {
  const watching = spawn("/bin/sh", ["-c", GUARD, "kheish-mcp-guard", String(groupId)], {
    env: { PATH: "/usr/bin:/bin" },
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Where there is no shell, a server ends by itself when its input does.
  watching.on("error", () => undefined);
  watching.stdin.on("error", () => undefined);
  watching.unref();
  return () => watching.kill("SIGKILL");
}
