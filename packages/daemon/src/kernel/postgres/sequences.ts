import { Collector } from "./collector.ts";
import type { Readers } from "./readers.ts";
import { Statement } from "./statement.ts";

interface Reservation {
  readonly sequence: string;
  readonly count: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: unknown) => void;
}

const reserve = new Statement<[string[], number[]], { name: string; next: number }>(
  "sequences.reserve",
  `INSERT INTO sequences (name, next)
   SELECT name, 1 + count FROM unnest($1::text[], $2::bigint[]) AS w (name, count) ORDER BY name COLLATE "C"
   ON CONFLICT (name) DO UPDATE SET next = sequences.next + excluded.next - 1
   RETURNING name, next`,
);

/**
 * Numbers that are given once, over all daemons. Reservations that arrive while others are made share a statement.
 * One whose answer was lost is made again: numbers may be left out, never repeated.
 */
export class Sequences {
  readonly #readers: Readers;
  readonly #reservations = new Collector<Reservation>((batch) => this.#settle(batch));

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  /** The first of `count` fresh numbers. */
  reserve(sequence: string, count: number): Promise<number> {
    return new Promise((resolve, reject) => this.#reservations.add({ sequence, count, resolve, reject }));
  }

  drained(): Promise<void> {
    return this.#reservations.drained();
  }

  async #settle(batch: Reservation[]): Promise<void> {
    try {
      await this.#reserve(Map.groupBy(batch, ({ sequence }) => sequence));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #reserve(bySequence: Map<string, Reservation[]>): Promise<void> {
    const counts = [...bySequence.values()].map(total);
    for (const { name, next } of await this.#readers.run(reserve, [...bySequence.keys()], counts)) {
      const reservations = bySequence.get(name) ?? [];
      let first = next - total(reservations);
      for (const { count, resolve } of reservations) {
        resolve(first);
        first += count;
      }
    }
  }
}

function total(reservations: readonly Reservation[]): number {
  return reservations.reduce((sum, { count }) => sum + count, 0);
}
