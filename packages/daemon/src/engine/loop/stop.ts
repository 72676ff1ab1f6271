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

  /** What a model call answers, or nothing as soon as this is told to stop: one that does not listen is left behind. */
  async unlessStopped<T>(call: Promise<T>): Promise<T | undefined> {
    const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
    const stop = () => resolve(undefined);
    this.#soft.signal.addEventListener("abort", stop, { once: true });
    if (this.#soft.signal.aborted) stop();
    call.catch(() => undefined);
    try {
      const answer = await Promise.race([call, stopped]);
      return this.reason === undefined ? answer : undefined;
    } finally {
      this.#soft.signal.removeEventListener("abort", stop);
    }
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
