import type { Json } from "@kheish/contract";
import { FrameReader, type RawFrame } from "@kheish/contract/event-stream";
import { DaemonTimeout, refusalFrom, UndecodableAnswer } from "./errors.ts";
import { queryOf } from "./path.ts";
import { isSuccess, open, type Target, textOf, withNetworkErrors } from "./transport.ts";

export interface StreamFrame {
  readonly id?: string;
  readonly event: string;
  readonly data: Json;
}

export interface StreamSource extends Target {
  readonly path: string;
  readonly query: object;
}

export interface StreamTiming {
  /** The daemon says something at least every 10 s; silence from the start means a proxy that buffers. */
  readonly firstFrameMs: number;
  /** Silence after that means a connection that is dead without having been closed. */
  readonly idleMs: number;
}

export interface Resumption {
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const MAX_FRAME_CHARACTERS = 1_048_576;

/** One connection to a stream: "open" when the daemon accepted it, then its frames until it closes. */
export async function* connectStream(
  source: StreamSource,
  timing: StreamTiming,
  { lastEventId, signal }: Resumption,
): AsyncGenerator<"open" | StreamFrame, void> {
  const silence = new SilenceAlarm(signal);
  try {
    silence.expectWithin(timing.firstFrameMs);
    const response = await open(source, {
      method: "GET",
      path: source.path + queryOf(queryAt(source.query, lastEventId)),
      headers: {
        accept: "text/event-stream",
        ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
      },
      signal: silence.signal,
    });
    if (!isSuccess(response.status)) throw refusalFrom(response.status, await textOf(source, response));
    yield "open";
    const chunks = silence.watch(response.body, timing.idleMs);
    const frames = new FrameReader(MAX_FRAME_CHARACTERS, tooLong);
    for (;;) {
      const next = await withNetworkErrors(source, () => chunks.next());
      if (next.done) return;
      for (const frame of frames.take(next.value)) yield parsed(frame);
    }
  } catch (error) {
    throw silence.rang ? new DaemonTimeout("the event stream fell silent") : error;
  } finally {
    silence.close();
  }
}

/** A resumed stream continues where it broke; a snapshot would jump over what happened since. */
function queryAt(query: object, lastEventId: string | undefined): object {
  return lastEventId === undefined ? query : { ...query, snapshot: undefined, cursor: undefined };
}

function tooLong(limit: number): UndecodableAnswer {
  return new UndecodableAnswer(`the daemon sent an event of more than ${limit} characters`);
}

function parsed({ id, event, data }: RawFrame): StreamFrame {
  try {
    return { ...(id && { id }), event, data: JSON.parse(data) as Json };
  } catch {
    throw new UndecodableAnswer(`the daemon sent an event '${event}' that is not JSON`);
  }
}

/** Aborts the connection when nothing arrives in time, or when the caller wants no more. */
class SilenceAlarm {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  rang = false;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([this.#controller.signal, signal]) : this.#controller.signal;
  }

  expectWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.rang = true;
      this.#controller.abort();
    }, ms);
  }

  async *watch(chunks: AsyncIterable<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) {
      this.expectWithin(idleMs);
      yield chunk;
    }
  }

  /** Lets go of the connection, be it open. */
  close(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
