import type { EventsStatus } from "@kheish/contract";
import type { JournalTail } from "../../kernel/tail.ts";

export interface EventsStatusSources {
  tail: JournalTail;
  subscriberCount: () => number;
  /** The position of the newest event that streams show; 0 for none. */
  newestEvent: () => Promise<number>;
}

/** What streams can still show, and who reads them. */
export async function eventsStatus({
  tail,
  subscriberCount,
  newestEvent,
}: EventsStatusSources): Promise<EventsStatus> {
  const { count, capacity, oldest } = tail.retained;
  const next = tail.position + 1;
  const newest = await newestEvent();
  return {
    history_capacity: capacity,
    retained_event_count: count,
    subscriber_count: subscriberCount(),
    // What is kept may all be what no stream shows, as a signature of the audit is.
    ...(oldest === undefined || oldest > newest ? {} : { oldest_event_id: String(oldest) }),
    ...(newest === 0 ? {} : { newest_event_id: String(newest) }),
    next_event_id: String(next),
    tail_event_id_cursor: String(newest),
    replay_buffer_utilization_percent: Math.min(100, Math.round((100 * count) / capacity)),
    // Streams are read from the durable journal: nothing is ever evicted, no gap ever arises.
    evicted_event_count: 0,
    replay_gap_count: 0,
    stream_lagged_event_count: 0,
    scope_eviction_floor_id: "0",
    evicted_session_scope_count: 0,
    evicted_run_scope_count: 0,
  };
}
