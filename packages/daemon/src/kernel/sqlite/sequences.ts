import type { DatabaseSync } from "node:sqlite";
import { Query } from "./query.ts";

/** Leases and claims draw from one sequence: a token names one acquisition in the whole store, for ever (K6). */
const TOKENS = "kernel.tokens";

/**
 * Numbers that are given once. A reservation is held in memory and written by the next flush, in the transaction
 * of the commits that use it: a crash before that flush takes back numbers that nothing durable has named.
 */
export class Sequences {
  /** Next number of each sequence that was reserved from since the last flush. */
  readonly #unsaved = new Map<string, number>();
  readonly #load;
  readonly #save;

  constructor(db: DatabaseSync) {
    this.#load = new Query<[string], { next: number }>(db, "SELECT next FROM sequences WHERE name = ?");
    this.#save = new Query<[string, number]>(
      db,
      "INSERT INTO sequences (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next",
    );
  }

  /** The first of `count` fresh numbers. */
  reserve(sequence: string, count: number): number {
    const first = this.#unsaved.get(sequence) ?? this.#load.get(sequence)?.next ?? 1;
    this.#unsaved.set(sequence, first + count);
    return first;
  }

  nextToken(): number {
    return this.reserve(TOKENS, 1);
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  /** Writes the reservations into the running transaction. */
  save(): void {
    for (const [name, next] of this.#unsaved) this.#save.run(name, next);
  }

  /** To be called once that transaction is durable. */
  saved(): void {
    this.#unsaved.clear();
  }
}
