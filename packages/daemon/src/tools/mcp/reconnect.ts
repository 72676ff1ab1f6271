/** Who needs the server now tries at once, but not more often than this. */
export const LEAST_DELAY_MS = 500;

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/**
 * How long a server is left alone after it has failed so often in a row: twice as long each time, up to a minute.
 * `jitter`, from 0 to 1, moves that by a quarter either way, so that not everybody comes back at once.
 */
export function reconnectDelayMs(failedAttempts: number, jitter: number): number {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failedAttempts - 1));
  return Math.round(full * (0.75 + jitter / 2));
}
