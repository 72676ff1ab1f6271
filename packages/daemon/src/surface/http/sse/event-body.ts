import type { SseFrame } from "../../../features/binding.ts";
import { type Pace, PacedFrames } from "./paced-frames.ts";
import type { StreamPlace } from "./stream-places.ts";

interface EventBodyOptions extends Pace {
  /** Hears what the source of the frames threw; the stream ends, its status was sent long ago. */
  onError: (error: unknown) => void;
}

/**
 * The body of an SSE answer. The connection pulls, and only when it has room:
 * however slowly a client reads, one chunk is in memory, and a stuck one gets no heartbeats.
 */
export function eventBody(
  frames: AsyncIterable<readonly SseFrame[]>,
  place: StreamPlace,
  options: EventBodyOptions,
): ReadableStream<Uint8Array> {
  const paced = new PacedFrames(frames, options);
  let cancelled = false;
  return new ReadableStream<Uint8Array>(
    {
      start(sink) {
        const end = () => {
          paced.stop().catch(options.onError);
          if (!cancelled) sink.close();
        };
        if (place.signal.aborted) end();
        else place.signal.addEventListener("abort", end, { once: true });
      },
      async pull(sink) {
        try {
          const chunk = await paced.next();
          if (place.signal.aborted) return;
          if (chunk === undefined) place.leave();
          else sink.enqueue(chunk);
        } catch (error) {
          if (!place.signal.aborted) options.onError(error);
          place.leave();
        }
      },
      cancel() {
        cancelled = true;
        place.leave();
      },
    },
    { highWaterMark: 0 },
  );
}
