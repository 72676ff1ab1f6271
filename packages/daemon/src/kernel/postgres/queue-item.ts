import type { QueueItem, RetryOp } from "../store.ts";
import type { EncodedEnqueue } from "./encode.ts";

/**
 * An item waits, is claimed or is buried:
 * - waiting: ready for a claim at `dueAtMs`
 * - claimed: ready for another claim at `untilMs`; enqueued again meanwhile, it is due at `againAtMs` afterwards
 * - buried: a dead letter, ready for nothing; `number` orders it among the others
 */
export type ItemState =
  | { readonly is: "waiting" }
  | {
      readonly is: "claimed";
      readonly owner: string;
      readonly token: number;
      readonly untilMs: number;
      readonly againAtMs: number | null;
    }
  | { readonly is: "buried"; readonly number: number };

/** An item of the queue; the transitions below make the next one of it. */
export interface Item {
  /** Orders items that are due at the same time; null until the item is stored. */
  readonly id: number | null;
  readonly queue: string;
  readonly key: string;
  readonly json: string;
  readonly dueAtMs: number;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly state: ItemState;
}
export type Claimed = Item & { readonly state: ItemState & { is: "claimed" } };

const WAITING: ItemState = { is: "waiting" };

export function enqueued(
  present: Item | undefined,
  { queue, key, dueAtMs, json }: EncodedEnqueue,
): Item {
  const fresh: Item = {
    id: present?.id ?? null,
    queue, key, json, dueAtMs, attempts: 0, lastError: null, state: WAITING };
  if (present === undefined || present.state.is === "buried") return fresh;
  if (present.state.is === "waiting") return { ...present, json, dueAtMs: Math.min(present.dueAtMs, dueAtMs) };
  const againAtMs = Math.min(present.state.againAtMs ?? dueAtMs, dueAtMs);
  return { ...present, json, state: { ...present.state, againAtMs } };
}
