import type { News, Op } from "./store.ts";

/** All that somebody may wait for. */
export const NEWS = ["events", "items"] as const satisfies readonly News[];

/** Who waits for commits, by what they wait for. */
export class Waiting {
  readonly #wakes: Readonly<Record<News, Set<() => void>>> = { events: new Set(), items: new Set() };

  add(news: News, wake: () => void): () => void {
    this.#wakes[news].add(wake);
    return () => this.#wakes[news].delete(wake);
  }

  /** In a microtask each: the commits are answered first, and one reader's failure is not another's. */
  wake(news: Iterable<News> = NEWS): void {
    for (const kind of news) for (const wake of this.#wakes[kind]) queueMicrotask(wake);
  }

  clear(): void {
    for (const kind of NEWS) this.#wakes[kind].clear();
  }
}

/** What a commit of these operations is news of. */
export function newsOf(ops: readonly { op: Op["op"] }[]): News[] {
  return NEWS.filter((kind) => ops.some(({ op }) => op === (kind === "events" ? "append" : "enqueue")));
}
