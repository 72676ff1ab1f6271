import type { Store } from "../../src/kernel/store.ts";

/** The process is gone: whatever the code after a commit wanted to do, it did not. */
export class Crash extends Error {}

export interface Mortal {
  store: Store;
  isDead: () => boolean;
  commits: () => number;
}

/**
 * A store that dies at its k-th commit: before it, or after it landed and without a word to the caller.
 * Every method is covered, those of tomorrow too: a dead process neither reads nor writes.
 */
export function mortal(store: Store, k: number, side: "before" | "after", onDeath: () => void): Mortal {
  let commits = 0;
  let dead = false;
  const never = () => new Promise<never>(() => undefined);
  const proxy = new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (dead) return never();
        if (key !== "commit") return (member as (...all: unknown[]) => unknown).apply(target, args);
        commits += 1;
        const chosen = commits === k;
        if (chosen && side === "before") {
          dead = true;
          onDeath();
          return never();
        }
        const landed = (member as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        if (!chosen) return landed;
        dead = true;
        return landed.then(() => {
          onDeath();
          return never();
        });
      };
    },
  });
  return { store: proxy, isDead: () => dead, commits: () => commits };
}
