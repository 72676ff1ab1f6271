import { overriding } from "../../src/kernel/overriding.ts";
import type { Store } from "../../src/kernel/store.ts";

/** A store with some of its methods replaced; the others, and those of tomorrow, are the inner one's. */
export function around(inner: Store, replaced: Partial<Store>): Store {
  return overriding(inner, replaced);
}

export interface Killable {
  store: Store;
  /** The process is gone: from now on it neither reads nor writes, and hears nothing. */
  kill: () => void;
}

/** A store under a process that dies when the test says so. */
export function killable(inner: Store): Killable {
  let dead = false;
  const store = new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        dead ? new Promise(() => undefined) : (member as (...all: unknown[]) => unknown).apply(target, args);
    },
  });
  return {
    store,
    kill: () => {
      dead = true;
    },
  };
}
