import { problem } from "@kheish/contract";

/** One of the streams that may be open at a time. */
export interface StreamPlace {
  /** Aborts when the stream is over: it ended, its caller left, or the daemon drains. */
  readonly signal: AbortSignal;
  /** Ends the stream and frees the place; does nothing the second time. */
  leave(): void;
}

/** Bounds how many streams are open, and ends them all when the daemon drains. */
export class StreamPlaces {
  readonly #limit: number;
  readonly #taken = new Set<StreamPlace>();
  #draining = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(): StreamPlace {
    if (this.#draining)
      throw problem("readiness", "daemon_draining", "the daemon is draining; connect again later");
    if (this.#taken.size >= this.#limit)
      throw problem(
        "api",
        "too_many_streams",
        `${this.#limit} streams are open already; close one or try later`,
      );
    const over = new AbortController();
    const place: StreamPlace = {
      signal: over.signal,
      leave: () => {
        if (this.#taken.delete(place)) over.abort();
      },
    };
    this.#taken.add(place);
    return place;
  }

  /** Ends every stream; none is opened any more. */
  drain(): void {
    this.#draining = true;
    for (const place of this.#taken) place.leave();
  }
}
