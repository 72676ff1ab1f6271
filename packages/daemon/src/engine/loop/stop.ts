/**
 * How an executor tells a driver to stop.
 * `ended`: the run is over (cancelled, interrupted) or owned by somebody else; what is in flight is thrown away.
 * `drain`: the daemon shuts down; no new effect begins, and what is in flight gets a moment.
 */
export type StopReason = "ended" | "drain";

export class StopSignal {
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #abandon = new AbortController();
  reason: StopReason | undefined;

  /** Aborts model calls and keeps new effects from beginning. */
  get soft(): AbortSignal {
    return this.#soft.signal;
  }
  /** Aborts tools. */
  get hard(): AbortSignal {
    return this.#hard.signal;
  }
  /** Nobody waits any longer for what did not stop. */
  get abandoned(): AbortSignal {
    return this.#abandon.signal;
  }

  end(): void {
    this.reason = "ended";
    this.#soft.abort();
    this.#hard.abort();
  }
  drain(): void {
    this.reason ??= "drain";
    this.#soft.abort();
  }
  /** The moment is over: tools are told to stop. */
  kill(): void {
    this.#hard.abort();
  }
  abandon(): void {
    this.#abandon.abort();
  }
}
