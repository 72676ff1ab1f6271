/** Sessions whose end is known here. */
const MOST_SESSIONS = 4_096;

/**
 * Where the journals of the sessions end that this process wrote to last, so that a write to a busy session need not
 * ask. Only a hint: another daemon may have written since. A write that is built on it carries it as its guard, and one
 * that is refused forgets it.
 */
export class Heads {
  readonly #seqs = new Map<string, number>();

  get(sessionId: string): number | undefined {
    return this.#seqs.get(sessionId);
  }

  /** After a commit of this process has landed. */
  set(sessionId: string, seq: number): void {
    this.#seqs.delete(sessionId);
    this.#seqs.set(sessionId, seq);
    const [oldest] = this.#seqs.keys();
    if (this.#seqs.size > MOST_SESSIONS && oldest !== undefined) this.#seqs.delete(oldest);
  }

  /** After a commit was refused, or its answer never came. */
  forget(sessionId: string): void {
    this.#seqs.delete(sessionId);
  }
}
