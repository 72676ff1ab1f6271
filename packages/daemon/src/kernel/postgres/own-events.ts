import type { StoredEvent } from "../store.ts";
import type { Flushed } from "./flush.ts";
import { storedEvent } from "./journal.ts";

/** Beyond either, a follower has fallen behind, and reads the store. */
const MOST_EVENTS = 1_000;
const MOST_CHARACTERS = 2 ** 20;

/**
 * What this daemon appended last, without a gap: whoever follows the journal need not ask the server for it. It ends with
 * the first news of another daemon's commit, which may have landed behind it.
 */
export class OwnEvents {
  #after = 0;
  #events: Flushed["appended"]["events"][number][] = [];
  #characters = 0;

  landed({ after, events }: Flushed["appended"]): void {
    if (events.length === 0) return;
    if (after !== this.#after + this.#events.length) this.#clear();
    if (this.#events.length === 0) this.#after = after;
    for (const event of events) this.#characters += event.json.length;
    this.#events.push(...events);
    if (this.#events.length > MOST_EVENTS || this.#characters > MOST_CHARACTERS) this.#clear();
  }

  /** Another daemon has committed, or may have. */
  end(): void {
    this.#clear();
  }

  /** The events behind a position; undefined where the server has to be asked. */
  behind(position: number, limit: number): StoredEvent[] | undefined {
    const first = position - this.#after;
    if (first < 0 || first >= this.#events.length) return undefined;
    return this.#events.slice(first, first + limit).map(({ stream, seq, type, atMs, json }, index) => {
      return storedEvent(stream, { position: position + index + 1, seq, type, atMs, data: json });
    });
  }

  #clear(): void {
    this.#events = [];
    this.#characters = 0;
  }
}
