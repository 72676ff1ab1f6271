import type { Machine } from "../../src/machine.ts";

interface Alarm {
  ms: number;
  callback: () => void;
}

/** Waits between attempts are at most this long; what limits the time of something is longer. */
const LONGEST_PAUSE_MS = 10_000;

/** A machine whose time passes as it is waited for: pauses end at once and are written down, limits when a test says so. */
export class TestMachine implements Machine {
  readonly fetch: typeof fetch;
  readonly env: Record<string, string>;
  /** The pauses that were made, in milliseconds. */
  readonly pauses: number[] = [];
  readonly #alarms = new Set<Alarm>();
  #now = 1_000_000;
  #names = 0;

  constructor({
    fetch = globalThis.fetch,
    env = {},
  }: { fetch?: typeof globalThis.fetch; env?: Record<string, string> } = {}) {
    this.fetch = fetch;
    this.env = env;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    if (ms > LONGEST_PAUSE_MS) {
      const alarm = { ms, callback };
      this.#alarms.add(alarm);
      return () => void this.#alarms.delete(alarm);
    }
    const soon = setImmediate(() => {
      this.#now += ms;
      this.pauses.push(ms);
      callback();
    });
    return () => clearImmediate(soon);
  }

  /** Jitter at its most: the delays are round. */
  random(): number {
    return 1;
  }

  uniqueName(): string {
    return `name-${++this.#names}`;
  }

  /** What is limited right now, by its limit. */
  get limits(): number[] {
    return [...this.#alarms].map(({ ms }) => ms);
  }

  /** Lets the time of this limit run out, once somebody is under it. */
  async runOut(ms: number): Promise<void> {
    for (;;) {
      const alarm = [...this.#alarms].find((one) => one.ms === ms);
      if (alarm === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      this.#alarms.delete(alarm);
      this.#now += ms;
      return alarm.callback();
    }
  }
}
