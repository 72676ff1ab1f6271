/**
 * A stream that changes its reader half-way: `before` ends when it is handed over, and `after` goes on with the next
 * chunk. Nothing is read twice and nothing is lost.
 */
export class HandOver {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #next: Promise<IteratorResult<Uint8Array>> | undefined;
  #isOver = false;
  #interrupt: () => void = () => undefined;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Whoever reads `before` has read its last. */
  handOver(): void {
    this.#isOver = true;
    this.#interrupt();
  }

  async *before(): AsyncGenerator<Uint8Array> {
    while (!this.#isOver) {
      this.#next ??= this.#chunks.next();
      const chunk = await this.#unlessOver(this.#next);
      if (chunk === undefined) return;
      this.#next = undefined;
      if (chunk.done === true) return;
      yield chunk.value;
    }
  }

  async *after(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await (this.#next ?? this.#chunks.next());
      this.#next = undefined;
      if (chunk.done === true) return;
      yield chunk.value;
    }
  }

  #unlessOver<T>(next: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      next.then(resolve, reject);
    });
  }
}
