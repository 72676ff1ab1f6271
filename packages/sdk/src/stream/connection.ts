import type { StreamEvent } from "@kheish/contract";
import { FrameReader, type RawFrame } from "@kheish/contract/event-stream";
import { KheishConnectionError, KheishProtocolError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { open, withNetworkErrors } from "../transport/open.ts";

/** One event of a stream. `id` is the place in the journal behind it; what was never history has none. */
export interface StreamFrame<Event extends StreamEvent = StreamEvent> {
  readonly id: string | undefined;
  readonly data: Event;
}

/** The daemon says something at least every 10 s: a proxy that buffers shows itself, and so does a dead connection. */
const FIRST_FRAME_WITHIN_MS = 15_000;
const SILENCE_MS = 35_000;
/** The daemon's frames are below 1 MiB; far more is none of its. */
const MAX_FRAME_CHARACTERS = 8 * 1024 * 1024;

export interface ConnectionRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One connection: yields "open" once the daemon took it, then its frames until it closes. */
export async function* connect(
  settings: Settings,
  request: ConnectionRequest,
  signal: AbortSignal,
): AsyncGenerator<"open" | StreamFrame, void> {
  const controller = new AbortController();
  const leave = () => controller.abort(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const ring = () =>
    controller.abort(new KheishConnectionError("the event stream fell silent", { mayHaveArrived: true }));
  let alarm = settings.machine.after(FIRST_FRAME_WITHIN_MS, ring);
  try {
    signal.throwIfAborted();
    const headers = { accept: "text/event-stream", ...request.headers };
    const response = await open(settings, { method: "GET", path: request.path, headers }, controller.signal);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream") || response.body === null)
      throw new KheishProtocolError(`the answer to GET ${request.path} is no event stream`);
    yield "open";
    const reader = response.body.getReader();
    const frames = new FrameReader(MAX_FRAME_CHARACTERS, tooLong);
    for (;;) {
      const next = await withNetworkErrors(settings, controller.signal, () => reader.read());
      // A consumer that takes its time is no silence: the clock runs only while something is waited for.
      alarm();
      if (next.done) return;
      for (const frame of frames.take(next.value)) yield parsed(frame);
      alarm = settings.machine.after(SILENCE_MS, ring);
    }
  } finally {
    alarm();
    signal.removeEventListener("abort", leave);
    controller.abort();
  }
}

function tooLong(limit: number): KheishProtocolError {
  return new KheishProtocolError(`an event of more than ${limit} characters`);
}

function parsed({ id, event, data }: RawFrame): StreamFrame {
  try {
    return { id, data: JSON.parse(data) as StreamEvent };
  } catch {
    throw new KheishProtocolError(`the daemon sent an event '${event}' that is not JSON`);
  }
}
