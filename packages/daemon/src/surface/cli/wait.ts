import { isTerminal, isWaiting, type RunView } from "@kheish/contract";
import type { DaemonClient } from "./client/client.ts";
import { DaemonTimeout, isTransient } from "./client/errors.ts";
import type { CliClock } from "./context.ts";
import { messageOf } from "./errors.ts";

export interface WaitLimits {
  readonly pollIntervalMs: number;
  /** How long a daemon that cannot be reached is put up with, from the first failure on. */
  readonly graceMs: number;
  readonly timeoutMs?: number;
  /** Hears once of each time that the daemon cannot be reached and is waited for. */
  readonly onLost?: (why: string) => void;
}

export interface WaitResult {
  /** As last seen; undefined when the time ran out before the daemon answered once. */
  readonly run: RunView | undefined;
  readonly timedOut: boolean;
}

const REQUEST_TIMEOUT_MS = 60_000;

/** Looks at a run until it has ended or waits for a human. A restarting daemon is waited for, too. */
export async function waitForRun(
  client: DaemonClient,
  runId: string,
  clock: CliClock,
  limits: WaitLimits,
): Promise<WaitResult> {
  const deadline = limits.timeoutMs === undefined ? Infinity : clock.now() + limits.timeoutMs;
  let run: RunView | undefined;
  let failingSince: number | undefined;
  for (;;) {
    try {
      const timeoutMs = Math.max(1, Math.min(REQUEST_TIMEOUT_MS, deadline - clock.now()));
      run = await client.call("getRun", { params: { run_id: runId }, timeoutMs });
      failingSince = undefined;
      if (isTerminal(run.status) || isWaiting(run.status)) return { run, timedOut: false };
    } catch (error) {
      if (!isTransient(error)) throw error;
      // A request that ran into the end of the wait says nothing of the daemon.
      const isLost = failingSince === undefined && limits.graceMs > 0 && !(error instanceof DaemonTimeout);
      if (isLost) limits.onLost?.(messageOf(error));
      failingSince ??= clock.now();
      const patient = clock.now() - failingSince < limits.graceMs || clock.now() >= deadline;
      if (!patient) throw error;
    }
    if (clock.now() >= deadline) return { run, timedOut: true };
    await clock.sleep(Math.min(limits.pollIntervalMs, deadline - clock.now()));
  }
}
