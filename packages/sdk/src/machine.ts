/**
 * What the SDK takes from the machine it runs on, so that a test can be the machine. The only file that touches it.
 */
export interface Machine {
  readonly fetch: typeof fetch;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back once after `ms`; returns how to prevent it. */
  after(ms: number, callback: () => void): () => void;
  /** At least 0, below 1. */
  random(): number;
  /** A name that nobody else will come up with. */
  uniqueName(): string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `process` where there is one: a browser has none, and bundlers must not be asked for one. */
const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };

export const theMachine: Machine = {
  // A browser's fetch wants to be called on its window.
  fetch: (input, init) => globalThis.fetch(input, init),
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  uniqueName: () => hex(crypto.getRandomValues(new Uint8Array(16))),
  env: process?.env ?? {},
};

/** `crypto.randomUUID` is missing on pages that came over plain HTTP; random bytes are not. */
function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
