import type { CheckOp, ListedRecord, Store, StoredRecord } from "../../kernel/store.ts";
import { DELETION_KIND, SLOT_KIND, type StoredSlot } from "./stored-slot.ts";

const PAGE = 100;

export function readSlot(store: Store, slotId: string): Promise<StoredRecord<StoredSlot> | undefined> {
  return store.get<StoredSlot>(SLOT_KIND, slotId);
}

/** A slot that is about to be written, made of what it is now. */
export interface SlotToWrite {
  found: StoredRecord<StoredSlot> | undefined;
  /** For the commit: refuses it when the slot was deleted meanwhile, be there another one of its name or not. */
  guard: CheckOp;
}

export async function readToWrite(store: Store, slotId: string): Promise<SlotToWrite> {
  // In this order: a deletion that the second read may have missed or seen trips the guard.
  const revision = (await store.get(DELETION_KIND, slotId))?.revision ?? 0;
  const found = await readSlot(store, slotId);
  return { found, guard: { op: "check", kind: DELETION_KIND, id: slotId, revision } };
}

export function countSlots(store: Store): Promise<number> {
  return store.count(SLOT_KIND, { index: "id" });
}

/** By slot id. */
export async function* allSlots(store: Store): AsyncGenerator<ListedRecord<StoredSlot>> {
  let after: string | undefined;
  for (;;) {
    const query = { index: "id", limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page = await store.list<StoredSlot>(SLOT_KIND, query);
    yield* page;
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return;
  }
}

/** The ids of some slots that are sealed under another key than this one; none when there is none. */
export async function slotsUnderOthers(store: Store, keyId: string): Promise<string[]> {
  // The index is in the order of key ids: what is not at its beginning is at its end.
  for (const reverse of [false, true]) {
    const page = await store.list<StoredSlot>(SLOT_KIND, { index: "key", limit: PAGE, reverse });
    const others = page.filter(({ data }) => data.sealed.key_id !== keyId);
    if (others.length > 0) return others.map(({ id }) => id);
  }
  return [];
}
