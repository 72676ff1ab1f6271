/** Most rows of a table that are remembered. */
const MOST = 8_192;

/** Rows as the last flush of this daemon that had them left them; another daemon may have changed them since. */
export class KnownRows<Row> {
  readonly #rows = new Map<string, Row>();

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  remember(key: string, row: Row): void {
    this.#rows.delete(key);
    this.#rows.set(key, row);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > MOST && oldest !== undefined) this.#rows.delete(oldest);
  }

  forget(key: string): void {
    this.#rows.delete(key);
  }
}

/**
 * What commits of a run look at again and again. A flush that needs nothing else is decided on it, and sent whole in one
 * round trip, with a statement in front of it that fails unless the rows are still these.
 */
export interface Known<Lease, Stream> {
  readonly leases: KnownRows<Lease>;
  readonly streams: KnownRows<Stream>;
}
