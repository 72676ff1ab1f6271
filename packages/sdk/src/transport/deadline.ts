import { KheishTimeout } from "../errors.ts";
import type { Machine } from "../machine.ts";

export interface Limits {
  /** 0 or undefined = none. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the error says when the time ran out. */
  readonly late: string;
}

/**
 * Does something under a signal that aborts when the caller's does or when the time is up.
 * An abort of the caller throws the caller's reason, a late end a `KheishTimeout`.
 */
export async function within<T>(
  machine: Machine,
  { timeoutMs = 0, signal, late }: Limits,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  let isLate = false;
  const cancel = hasEnd(timeoutMs)
    ? machine.after(timeoutMs, () => {
        isLate = true;
        controller.abort(new KheishTimeout(late));
      })
    : () => undefined;
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await action(controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw isLate ? new KheishTimeout(late) : error;
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
  }
}

function hasEnd(timeoutMs: number): boolean {
  return timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY;
}

/** Waits; throws the signal's reason as soon as it aborts. */
export function sleep(machine: Machine, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = machine.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
