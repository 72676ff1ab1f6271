import { type Clock, sleep } from "../../kernel/clock.ts";

/** Watches how far the outputs of a process have been read, to know when nothing more is to be expected. */
export class Reading {
  #bytes = 0;
  #open = 0;
  readonly #end = Promise.withResolvers<void>();

  /** Passes a stream on, counting. */
  watch(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    this.#open += 1;
    return this.#counted(stream);
  }

  async *#counted(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream) {
        this.#bytes += chunk.length;
        yield chunk;
      }
    } finally {
      this.#open -= 1;
      if (this.#open === 0) this.#end.resolve();
    }
  }

  /** Whether everything was read to its end. */
  get ended(): boolean {
    return this.#open === 0;
  }

  /**
   * Waits for the end, but not for ever: a process that left the group may hold a pipe open. It is given up when
   * nothing came for `quietSteps` in a row, or after `maxSteps`. Steps, not one long wait: between two of them
   * the daemon reads what has come, however busy it is.
   */
  async finish(clock: Clock, stepMs: number, quietSteps: number, maxSteps: number): Promise<void> {
    let quiet = 0;
    for (let step = 0; step < maxSteps && quiet < quietSteps && !this.ended; step += 1) {
      const before = this.#bytes;
      await Promise.race([this.#end.promise, sleep(clock, stepMs)]);
      quiet = this.#bytes === before ? quiet + 1 : 0;
    }
  }
}
