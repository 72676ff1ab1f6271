import type { Timer } from "../../kernel/clock.ts";
import type { Tool } from "../ports.ts";
import type { Driver } from "./driver.ts";
import type { StopSignal } from "./stop.ts";

/** How long a tool that was told to stop may take before nobody waits for it. */
const STOP_GRACE_MS = 2_000;

export type Ended<T> =
  | { kind: "done"; value: T }
  /** `late`: what it still answered once it was told to stop. */
  | { kind: "timed_out"; late?: T }
  /** Told to stop by somebody else, and it did not. */
  | { kind: "abandoned" };

/** A tool's work under its time limit. Work that does not stop when told is left behind. */
export async function withinLimit<T>(
  driver: Driver,
  stop: StopSignal,
  tool: Tool,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Ended<T>> {
  const { clock } = driver.deps;
  const told = new AbortController();
  const abandoned = Promise.withResolvers<{ kind: "abandoned" }>();
  let timedOut = false;
  let grace: Timer | undefined;
  const giveUp = () => abandoned.resolve({ kind: "abandoned" });
  const tell = () => {
    told.abort();
    grace ??= clock.schedule(STOP_GRACE_MS, giveUp);
  };
  const limitMs = Math.max(1, Math.min(tool.timeoutMs, driver.toolLimits.max_timeout_ms));
  const timer = clock.schedule(limitMs, () => {
    timedOut = true;
    tell();
  });
  const forget = [onAbort(stop.hard, tell), onAbort(stop.abandoned, giveUp)];
  try {
    const value = work(told.signal).then((done) => ({ kind: "done" as const, value: done }));
    const ended = await Promise.race([value, abandoned.promise]);
    if (!timedOut) return ended;
    return ended.kind === "done" ? { kind: "timed_out", late: ended.value } : { kind: "timed_out" };
  } finally {
    timer.cancel();
    grace?.cancel();
    for (const stopListening of forget) stopListening();
  }
}

/** Calls back when `signal` aborts, be it already. A run's signals outlive its calls, so each has to stop listening. */
function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}
