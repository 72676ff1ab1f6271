import { type ChildProcess, spawn } from "node:child_process";

/** Waits for its standard input to end, which nobody writes to; a second is for those who end when told to. */
const GUARD = 'read -r _; kill -s TERM -- "-$1"; sleep 1; kill -s KILL -- "-$1"';

/**
 * Watches over a process group from outside of it: when the daemon dies without a word, its guard sees the pipe close
 * and ends the group. Answers how to dismiss the guard.
 */
export function guard(groupId: number): () => void {
  const watching = watcherOf(groupId);
  // Where there is no shell, whoever is started next kills what is left.
  watching?.on("error", () => undefined);
  watching?.stdin?.on("error", () => undefined);
  watching?.unref();
  return () => watching?.kill("SIGKILL");
}

/** Undefined where the system has no room for one: what it would watch over runs already, and is not lost by that. */
function watcherOf(groupId: number): ChildProcess | undefined {
  try {
    return spawn("/bin/sh", ["-c", GUARD, "kheish-guard", String(groupId)], {
      env: { PATH: "/usr/bin:/bin" },
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
  } catch {
    return undefined;
  }
}
