import { type Clock, sleep } from "../../kernel/clock.ts";
import type { Shell, ShellExit } from "./shell.ts";

const GRACE_STEPS = 10;
const GRACE_STEP_MS = 50;

/**
 * Waits until the shell ends by itself or `signal` aborts, and leaves nothing of its group behind in either case
 * (03-R14). `drained` settles when both outputs are read to their end.
 */
export async function runShell(
  shell: Shell,
  drained: Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<ShellExit> {
  try {
    await firstOf(shell.exited, signal);
    await terminateGroup(shell, clock);
    const exit = await shell.exited;
    await Promise.race([drained, sleep(clock, GRACE_STEPS * GRACE_STEP_MS)]);
    return exit;
  } finally {
    shell.closePipes();
  }
}

async function firstOf(exited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve: stop } = Promise.withResolvers<unknown>();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop(undefined);
  try {
    await Promise.race([exited, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** TERM, some time to obey, then KILL. */
async function terminateGroup(shell: Shell, clock: Clock): Promise<void> {
  if (!shell.signalGroup("SIGTERM")) return;
  for (let step = 0; step < GRACE_STEPS; step += 1) {
    await sleep(clock, GRACE_STEP_MS);
    if (!shell.signalGroup(0)) return;
  }
  shell.signalGroup("SIGKILL");
}
