import { setImmediate } from "node:timers/promises";

/**
 * Collects what arrives until the event loop comes round, or for as long as the batch before is worked on.
 * Batches follow one another; `work` settles what it was given and does not throw.
 */
export class Collector<Item> {
  readonly #work: (batch: Item[]) => Promise<void>;
  #pending: Item[] = [];
  #running: Promise<void> | undefined;

  constructor(work: (batch: Item[]) => Promise<void>) {
    this.#work = work;
  }

  add(item: Item): void {
    this.#pending.push(item);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is left. */
  async drained(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      await setImmediate();
      const batch = this.#pending;
      this.#pending = [];
      await this.#work(batch);
    }
    this.#running = undefined;
  }
}
