/** Event-loop turns after which what is waited for does not come by itself. */
const MOST_TURNS = 20_000;

/** Lets everything run that can, until `condition` holds; the clock stands still. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Lets everything run that can; the clock stands still. For showing that something does not happen. */
export async function pause(turns = 200): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
