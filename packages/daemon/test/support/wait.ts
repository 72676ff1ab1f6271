/**
 * Below what a test may last, so that the error says what did not come. In real time: files, threads, processes and
 * databases take it, and turns of the event loop go by while they do.
 */
const LONGEST_MS = 60_000;

/** Lets everything run that can, until `condition` holds; the daemon's clock stands still. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything run that can; the clock stands still. For showing that something does not happen. */
export async function pause(turns = 200): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
