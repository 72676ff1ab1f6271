import type { StreamEvent } from "@kheish/contract";
import type { SseFrame } from "../binding.ts";
import { type CursorOptions, cursorOf } from "../events/index.ts";
import { type LogFilter, passes } from "./entry.ts";
import type { LogRing } from "./ring.ts";

const PAGE = 200;

/**
 * The log as it is written, from behind a line on. Ids are the lines' places, so that whoever comes back misses nothing
 * that is still kept, and is told of what is not (08-R8).
 */
export function logStream(
  ring: LogRing,
  filter: LogFilter,
  from: CursorOptions,
  signal: AbortSignal,
): AsyncIterable<readonly SseFrame[]> {
  const cursor = cursorOf(from);
  // A cursor behind the newest line counts as the newest.
  const place = cursor === undefined || cursor > BigInt(ring.last) ? ring.last : Number(cursor);
  return follow(ring, filter, place, signal);
}

async function* follow(
  ring: LogRing,
  filter: LogFilter,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<readonly SseFrame[]> {
  let place = start;
  let reason: "replay_window" | "live_lag" = "replay_window";
  while (!signal.aborted) {
    const skipped = ring.first - 1 - place;
    if (skipped > 0) {
      place += skipped;
      // Whoever asked for all from the start asked for what is kept.
      if (start > 0 || reason === "live_lag") yield [gap(skipped, place, reason)];
    }
    const lines = ring.after(place, PAGE);
    place = lines.at(-1)?.place ?? place;
    const wanted = lines.filter(({ entry }) => passes(entry, filter));
    if (wanted.length > 0)
      yield wanted.map((line) => frame({ type: "log", log: line.entry }, String(line.place)));
    reason = "live_lag";
    await ring.news(place, signal);
  }
}

function gap(skipped: number, place: number, reason: "replay_window" | "live_lag"): SseFrame {
  return frame({
    type: "stream_gap",
    skipped,
    resume_after_id: String(place),
    reason,
    scope: "logs",
    skipped_is_estimate: false,
  });
}

function frame(data: StreamEvent, id?: string): SseFrame {
  return { event: data.type, data, ...(id === undefined ? {} : { id }) };
}
