import type { Json } from "@kheish/contract";
import type { QueueItem, RenewOwnerOp, RetryOp } from "../store.ts";
import type { EncodedEnqueue } from "./encode.ts";

interface Work {
  /** Orders items that are ready at the same time; null until the item is stored. */
  readonly id: number | null;
  readonly queue: string;
  readonly key: string;
  readonly json: string;
  readonly dueAtMs: number;
  readonly attempts: number;
  readonly lastError: string | null;
}
/** Ready when it is due. */
export interface WaitingItem extends Work {
  readonly readyAtMs: number;
  readonly owner: null;
  readonly token: 0;
  readonly againAtMs: null;
  readonly buriedNo: null;
}
/** Ready for another claim when this one runs out. `againAtMs` is set when it was enqueued meanwhile. */
export interface ClaimedItem extends Work {
  readonly readyAtMs: number;
  readonly owner: string;
  readonly token: number;
  readonly againAtMs: number | null;
  readonly buriedNo: null;
}
/** A dead letter, ready for nothing. */
export interface BuriedItem extends Work {
  readonly readyAtMs: null;
  readonly owner: null;
  readonly token: 0;
  readonly againAtMs: null;
  readonly buriedNo: number;
}

/** An item, as its row holds it. Each function below is one transition: it makes the next item of the one before. */
export type Item = WaitingItem | ClaimedItem | BuriedItem;

/** The columns of `queue_items i`, named as the item's fields. */
export const ITEM_COLUMNS = `
  i.id, i.queue, i.key, i.payload AS json, i.due_at_ms AS "dueAtMs", i.attempts, i.last_error AS "lastError",
  i.ready_at_ms AS "readyAtMs", i.owner, i.token, i.again_at_ms AS "againAtMs", i.buried_no AS "buriedNo"`;

export function enqueue(present: Item | undefined, { queue, key, dueAtMs, json }: EncodedEnqueue): Item {
  if (present === undefined || present.buriedNo !== null)
    return wait({ id: present?.id ?? null, queue, key, json, dueAtMs, attempts: 0, lastError: null });
  if (present.owner === null) return wait({ ...present, json, dueAtMs: Math.min(present.dueAtMs, dueAtMs) });
  return { ...present, json, againAtMs: Math.min(present.againAtMs ?? dueAtMs, dueAtMs) };
}

export function claim(item: Item, owner: string, token: number, untilMs: number): ClaimedItem {
  const attempts = item.attempts + 1;
  return { ...item, attempts, owner, token, readyAtMs: untilMs, againAtMs: null, buriedNo: null };
}

/** Undefined when nothing of it is left. */
export function complete(item: ClaimedItem): WaitingItem | undefined {
  if (item.againAtMs === null) return undefined;
  return wait({ ...item, dueAtMs: item.againAtMs, attempts: 0, lastError: null });
}

export function retry(item: ClaimedItem, { dueAtMs, error, resetAttempts }: RetryOp): WaitingItem {
  return wait({
    ...item,
    dueAtMs: Math.min(dueAtMs, item.againAtMs ?? dueAtMs),
    attempts: resetAttempts ? 0 : item.attempts,
    lastError: error ?? null,
  });
}

export function bury(item: ClaimedItem, error: string, buriedNo: number): WaitingItem | BuriedItem {
  return (
    complete(item) ?? {
      ...{ ...item, lastError: error, buriedNo },
      ...{ readyAtMs: null, owner: null, token: 0, againAtMs: null },
    }
  );
}

export function renew(item: ClaimedItem, { nowMs, leaseMs }: RenewOwnerOp): ClaimedItem {
  if (item.readyAtMs <= nowMs) return item;
  return { ...item, readyAtMs: Math.max(item.readyAtMs, nowMs + leaseMs) };
}

export function release(item: ClaimedItem): WaitingItem {
  return wait(item);
}

export function hasten(item: WaitingItem, dueAtMs: number): WaitingItem {
  return wait({ ...item, dueAtMs });
}

function wait(work: Work): WaitingItem {
  return { ...work, readyAtMs: work.dueAtMs, owner: null, token: 0, againAtMs: null, buriedNo: null };
}

export function queueItem({ queue, key, json, dueAtMs, attempts, token, owner, lastError }: Item): QueueItem {
  return {
    ...{ queue, key, payload: JSON.parse(json) as Json, dueAtMs, attempts, token },
    ...(owner !== null && { owner }),
    ...(lastError !== null && { lastError }),
  };
}
