import { type Clock, sleep } from "../../kernel/clock.ts";
import type { Reading } from "./reading.ts";
import type { Shell, ShellExit } from "./shell.ts";

const GRACE_STEPS = 10;
const GRACE_STEP_MS = 50;
/** How long a process that left the group may keep us reading what it writes. */
const MAX_READING_STEPS = 100;

export interface ShellRun extends ShellExit {
  /** False: some process still holds an output open. */
  complete: boolean;
}

/**
 * Waits until the shell ends by itself or `signal` aborts, and leaves nothing of its group behind in either case
 * (03-R14). Afterwards its outputs are read as far as they ever will be.
 */
export async function runShell(
  shell: Shell,
  reading: Reading,
  clock: Clock,
  signal: AbortSignal,
): Promise<ShellRun> {
  try {
    await firstOf(shell.exited, signal);
    await terminateGroup(shell, clock);
    const exit = await shell.exited;
    await reading.finish(clock, GRACE_STEP_MS, GRACE_STEPS, signal.aborted ? GRACE_STEPS : MAX_READING_STEPS);
    return { ...exit, complete: reading.ended };
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
