import { KheishConnectionError, KheishProblem, KheishTimeout } from "../errors.ts";

/**
 * Whether a request may be sent again after its outcome was not heard. `repeatable`: it reads, or carries a key under
 * which the daemon answers the second as the first, or has the same end however often it is done.
 */
export type Repeatability = "repeatable" | "once";

/** The daemon, or something before it, is not itself for a moment. */
const PASSING = [408, 429, 502, 503, 504];
const TOO_MANY = 429;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** Who wants to be left alone for longer than this is answered to the caller, who may have other plans. */
const LONGEST_WAIT_MS = 60_000;

/** Whether the same request may well succeed in a moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof KheishProblem) return PASSING.includes(error.status);
  return error instanceof KheishConnectionError || error instanceof KheishTimeout;
}

/** Whether it is certain that the request had no effect. */
function hadNoEffect(error: unknown): boolean {
  // Whoever asks too much is turned away at the door.
  if (error instanceof KheishProblem) return error.status === TOO_MANY;
  return error instanceof KheishConnectionError && !error.mayHaveArrived;
}

/**
 * How long to wait before the attempt is made again; undefined when it must not or need not be.
 * `attempt` counts from 0. `Retry-After` is honoured: it is the least that is waited.
 */
export function retryDelay(
  error: unknown,
  repeatability: Repeatability,
  attempt: number,
  random: number,
): number | undefined {
  if (!isPassing(error)) return undefined;
  if (repeatability === "once" && !hadNoEffect(error)) return undefined;
  return retryAfter(error) > LONGEST_WAIT_MS ? undefined : pause(error, attempt, random);
}

/** What is waited before an attempt is made again, however long that is. */
export function pause(error: unknown, attempt: number, random: number): number {
  return retryAfter(error) + backoff(attempt, random);
}

function retryAfter(error: unknown): number {
  return error instanceof KheishProblem ? (error.retryAfterMs ?? 0) : 0;
}

/** Doubles from 250 ms to 5 s; between half and all of it, so that clients that failed together do not come back together. */
function backoff(attempt: number, random: number): number {
  const most = Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS);
  return Math.round(most * (0.5 + random / 2));
}
