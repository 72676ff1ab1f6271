import type { StreamEvent } from "@kheish/contract";
import type { StreamFrame as AnyFrame } from "./connection.ts";
import { follow, type StreamSource } from "./follow.ts";

/** One event of a stream. Its `id` is its place in the journal; token deltas and gaps have none, they are no history. */
export type StreamFrame = AnyFrame<Exclude<StreamEvent, { type: "heartbeat" }>>;

export interface EventStreamSource extends StreamSource {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of a run, a session or the whole daemon, to be read with `for await`. It comes back by itself after a
 * restart of the daemon or a cut of the network, without a gap or a duplicate, and ends when it is left (`break`,
 * `close()`), when its signal aborts (which throws the signal's reason) or, with `until: "terminal"`, with the run.
 */
export class EventStream implements AsyncIterableIterator<StreamFrame> {
  readonly #frames: AsyncGenerator<AnyFrame, void>;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal | undefined;
  #cursor: string | undefined;
  #isClosed = false;

  constructor({ signal, ...source }: EventStreamSource) {
    this.#signal = signal;
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
    this.#frames = follow(source, this.#closing.signal);
  }

  /** The id of the last event that was handed out: keep it to go on from there in another process. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  async next(): Promise<IteratorResult<StreamFrame, undefined>> {
    try {
      const result = this.#isClosed ? undefined : await this.#frames.next();
      if (result === undefined || result.done) return this.#done();
      this.#cursor = result.value.id ?? this.#cursor;
      return { done: false, value: result.value as StreamFrame };
    } catch (error) {
      const wasClosed = this.#isClosed;
      this.#done();
      if (wasClosed) return { done: true, value: undefined };
      throw error;
    }
  }

  /** Ends the stream, be somebody waiting for its next event. */
  close(): void {
    this.#done();
  }

  async return(): Promise<IteratorResult<StreamFrame, undefined>> {
    return this.#done();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #abort = (): void => this.#closing.abort(this.#signal?.reason);

  #done(): { done: true; value: undefined } {
    this.#isClosed = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#closing.abort();
    // Lets go of the connection; nobody has to wait for that.
    void this.#frames.return().catch(() => undefined);
    return { done: true, value: undefined };
  }
}
