import type { StreamEvent } from "@kheish/contract";
import { type Kept, read, recorded, sessionOfStream } from "../../engine/index.ts";
import type { Store, StoredEvent } from "../../kernel/store.ts";
import type { SseFrame } from "../binding.ts";
import { currentRunView } from "../runs/index.ts";

/** Who waits further back hears of it when its turn comes nearer. */
const MOST_SHOWN = 100;

/**
 * The new positions of the runs that an event moved forward in their queue (01-R46).
 * Positions are derived, so these frames are no history and carry no id.
 */
export async function queueShifts(store: Store, stored: StoredEvent): Promise<SseFrame[]> {
  const sessionId = sessionOfStream(stored.stream);
  const event = recorded(stored);
  if (sessionId === undefined || (event.type !== "started" && event.type !== "cancelled")) return [];
  const behind = await read(store, "run", event.data.run_id);
  // A run that was cancelled after its start left no gap in the queue.
  if (behind === undefined || (event.type === "cancelled" && behind.data.started_seq !== undefined))
    return [];
  const queued = await store.list("run", { index: "queue", prefix: [sessionId], limit: MOST_SHOWN });
  const moved = (queued as unknown as Kept<"run">[]).filter(
    (run) => run.data.accepted_seq > behind.data.accepted_seq,
  );
  return Promise.all(moved.map((run) => frameFor(store, run)));
}

async function frameFor(store: Store, run: Kept<"run">): Promise<SseFrame> {
  const data: StreamEvent = { type: "run_updated", run: await currentRunView(store, run) };
  return { event: data.type, data };
}
