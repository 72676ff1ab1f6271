/**
 * A short list that everybody asks for and hardly anybody changes: asking costs no read. It is outdated by whoever changes
 * it here, and by the journal when another daemon does, and then read again by the next who asks.
 */
export class KnownList<Item> {
  readonly #read: () => Promise<readonly Item[]>;
  #items: readonly Item[] = [];
  /** Changes that were heard of, and up to which of them the list goes. */
  #changes = 1;
  #seen = 0;

  constructor(read: () => Promise<readonly Item[]>) {
    this.#read = read;
  }

  outdate(): void {
    this.#changes += 1;
  }

  async items(): Promise<readonly Item[]> {
    if (this.#seen === this.#changes) return this.#items;
    const upTo = this.#changes;
    const items = await this.#read();
    // Of two that read at once, the one that has seen more holds.
    if (upTo > this.#seen) {
      this.#items = items;
      this.#seen = upTo;
    }
    return this.#items;
  }
}
