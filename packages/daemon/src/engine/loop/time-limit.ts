import { sleep } from "../../kernel/clock.ts";
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
  const { clock, toolLimits } = driver.deps;
  const told = new AbortController();
  const over = new AbortController();
  onAbort(stop.hard, over.signal, () => told.abort());
  let timedOut = false;
  const limitMs = Math.max(1, Math.min(tool.timeoutMs, toolLimits.max_timeout_ms));
  const timer = clock.schedule(limitMs, () => {
    timedOut = true;
    told.abort();
  });
  try {
    const value = work(told.signal).then((done) => ({ kind: "done" as const, value: done }));
    const ended = await Promise.race([value, whenGivenUp(driver, stop, told.signal, over.signal)]);
    if (!timedOut) return ended;
    return ended.kind === "done" ? { kind: "timed_out", late: ended.value } : { kind: "timed_out" };
  } finally {
    timer.cancel();
    over.abort();
  }
}

function whenGivenUp(
  { deps }: Driver,
  stop: StopSignal,
  told: AbortSignal,
  over: AbortSignal,
): Promise<{ kind: "abandoned" }> {
  return new Promise((resolve) => {
    const giveUp = () => resolve({ kind: "abandoned" });
    onAbort(stop.abandoned, over, giveUp);
    onAbort(told, over, () => void sleep(deps.clock, STOP_GRACE_MS, over).then(giveUp));
  });
}

/** Calls back when `signal` aborts, be it already; not any more once it is `over`: a run's signals outlive its calls. */
function onAbort(signal: AbortSignal, over: AbortSignal, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true, signal: over });
}
