import type { StoredEvent } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import { type FrameSource, frameOf, RUNTIME_STREAM } from "./frames.ts";

/** How far back the first look goes; each one after it goes twice as far. */
const FIRST_LOOK = 64;

/**
 * The id of the newest event that the stream of the whole daemon shows; 0 when there is none. The journal has others, as
 * what is signed for the audit, so its end may be an id that no stream ever shows, and whoever waits for exactly that
 * one would wait for ever (01-R65, 01-R76).
 */
export class NewestShown {
  readonly #source: FrameSource;
  readonly #tail: JournalTail;
  /** What was found last, and up to where had been looked then. */
  #found = 0;
  #lookedUpTo = 0;

  constructor(source: FrameSource, tail: JournalTail) {
    this.#source = source;
    this.#tail = tail;
  }

  async position(): Promise<number> {
    const end = this.#tail.position;
    const [found, lookedUpTo] = [this.#found, this.#lookedUpTo];
    let to = end;
    for (let look = FIRST_LOOK; to > lookedUpTo; look *= 2) {
      const from = Math.max(lookedUpTo, to - look);
      const shown = await this.#newestOf(await this.#between(from, to));
      if (shown !== undefined) return this.#note(shown, end);
      to = from;
    }
    return this.#note(found, end);
  }

  /** Several may ask at once; what the one that looked furthest has found stays. */
  #note(found: number, lookedUpTo: number): number {
    if (lookedUpTo >= this.#lookedUpTo) [this.#found, this.#lookedUpTo] = [found, lookedUpTo];
    return found;
  }

  async #newestOf(events: readonly StoredEvent[]): Promise<number | undefined> {
    for (const event of events.toReversed()) {
      const isShown = event.stream === RUNTIME_STREAM || (await frameOf(this.#source, event)) !== undefined;
      if (isShown) return event.position;
    }
    return undefined;
  }

  /** Positions are whole numbers, so there are at most as many events as numbers. */
  async #between(from: number, to: number): Promise<readonly StoredEvent[]> {
    const events =
      this.#tail.since(from) ?? (await this.#source.store.readAll({ afterPosition: from, limit: to - from }));
    return events.filter(({ position }) => position <= to);
  }
}
