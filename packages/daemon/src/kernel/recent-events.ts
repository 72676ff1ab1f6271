import type { StoredEvent } from "./store.ts";

/** The newest events of the journal, in its order, as a whole and by stream. */
export class RecentEvents {
  readonly #capacity: number;
  #events: StoredEvent[] = [];
  /** The same ones: who follows one stream does not look at the others'. */
  #byStream = new Map<string, StoredEvent[]>();
  /** All events after this position are here. */
  #start = 0;

  /** Keeps at least `capacity` events, and at most twice as many. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get retained(): { count: number; capacity: number; oldest: number | undefined } {
    return { count: this.#events.length, capacity: this.#capacity, oldest: this.#events[0]?.position };
  }

  /** What comes from now on follows this position. */
  beginAfter(position: number): void {
    this.#start = position;
  }

  keep(page: readonly StoredEvent[]): void {
    this.#events.push(...page);
    for (const event of page) {
      const known = this.#byStream.get(event.stream);
      if (known === undefined) this.#byStream.set(event.stream, [event]);
      else known.push(event);
    }
    // Trimmed in strides, so that a full list is not copied at every event.
    if (this.#events.length <= this.#capacity * 2) return;
    const dropped = this.#events.length - this.#capacity;
    this.#start = this.#events[dropped - 1]?.position ?? this.#start;
    this.#events = this.#events.slice(dropped);
    this.#byStream = Map.groupBy(this.#events, ({ stream }) => stream);
  }

  /** Those after `position`; undefined when that is too long ago. */
  since(position: number): StoredEvent[] | undefined {
    return this.#after(position, this.#events);
  }

  /** The same of one stream. */
  sinceIn(stream: string, position: number): StoredEvent[] | undefined {
    return this.#after(position, this.#byStream.get(stream) ?? []);
  }

  #after(position: number, events: readonly StoredEvent[]): StoredEvent[] | undefined {
    return position < this.#start ? undefined : events.slice(firstAfter(events, position));
  }
}

/** Where the events after `position` begin: positions grow, so half of the rest is left out each time. */
function firstAfter(events: readonly StoredEvent[], position: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.position ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
