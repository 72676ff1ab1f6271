/** Where a stream ends; `id` is its row in `streams`. */
export interface StreamHead {
  readonly id: number;
  lastSeq: number;
}

/** A few hundred bytes each. */
export const MAX_HEADS = 4096;

/**
 * The heads of the streams that were used last, so that an append to a busy stream reads nothing.
 * A cache: whatever was rolled back must be forgotten.
 */
export class StreamHeads {
  readonly #heads = new Map<string, StreamHead>();

  get(stream: string): StreamHead | undefined {
    const head = this.#heads.get(stream);
    if (head !== undefined) this.#touch(stream, head);
    return head;
  }

  add(stream: string, head: StreamHead): StreamHead {
    this.#touch(stream, head);
    const [oldest] = this.#heads.keys();
    if (this.#heads.size > MAX_HEADS && oldest !== undefined) this.#heads.delete(oldest);
    return head;
  }

  forget(): void {
    this.#heads.clear();
  }

  /** A map lists its keys in order of insertion, so what is used goes to the end. */
  #touch(stream: string, head: StreamHead): void {
    this.#heads.delete(stream);
    this.#heads.set(stream, head);
  }
}
