import type { CliClock } from "../context.ts";

/** The items as they come and, whenever there was none for a while, a tick. */
export async function* withTicks<T>(
  items: AsyncGenerator<T, void>,
  clock: CliClock,
  intervalMs: number,
): AsyncGenerator<T | "tick", void> {
  let next = items.next();
  try {
    for (;;) {
      const silence = new AbortController();
      const tick = clock.sleep(intervalMs, silence.signal).then(() => "tick" as const);
      const first = await Promise.race([next, tick]);
      silence.abort();
      if (first === "tick") yield first;
      else if (first.done) return;
      else {
        yield first.value;
        next = items.next();
      }
    }
  } finally {
    await items.return();
  }
}
