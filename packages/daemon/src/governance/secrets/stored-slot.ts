import {
  type AuthMode,
  type AuthProvider,
  type AuthSlotRecord,
  type AuthSlotStatus,
  type JsonObject,
  type SlotState,
  slotDetails,
  slotSummary,
} from "@kheish/contract";
import type { Random } from "../../kernel/random.ts";
import type { Op, Store } from "../../kernel/store.ts";
import { accountStateOf } from "./account-state.ts";
import type { MasterKey } from "./master-key.ts";
import { type Sealed, seal, unseal } from "./seal.ts";

export const SLOT_KIND = "auth_slot";

/** Whether anything is sealed here, whoever has the key. */
export async function hasSlots(store: Store): Promise<boolean> {
  return (await store.list(SLOT_KIND, { index: "id", limit: 1 })).length > 0;
}

/** A slot at rest. What operators may see stands in the open, so that reading a status decrypts nothing. */
export type StoredSlot = {
  provider: AuthProvider;
  mode: AuthMode;
  summary: string;
  details?: JsonObject;
  updated_at_ms: number;
  sealed: Sealed;
  disabled?: { reason: string; at_ms: number; by: string };
  /** Refresh tokens that its login has spent, as digests; of an account only. */
  spent?: string[];
};

export function sealSlot(record: AuthSlotRecord, key: MasterKey, random: Random, nowMs: number): StoredSlot {
  const { provider, mode, state } = record;
  const details = slotDetails(record);
  return {
    provider,
    mode,
    summary: slotSummary(record),
    ...(details === undefined ? {} : { details }),
    updated_at_ms: nowMs,
    sealed: seal(JSON.stringify(state), key, contextOf(record.slot_id, record), random),
  };
}

export function unsealSlot(slotId: string, slot: StoredSlot, key: MasterKey): AuthSlotRecord | undefined {
  const text = unseal(slot.sealed, key, contextOf(slotId, slot));
  if (text === undefined) return undefined;
  const { provider, mode, updated_at_ms } = slot;
  return { slot_id: slotId, provider, mode, updated_at_ms, state: JSON.parse(text) as SlotState };
}

/** The same content under another key. */
export function resealSlot(slotId: string, slot: StoredSlot, from: MasterKey, to: MasterKey, random: Random) {
  const text = unseal(slot.sealed, from, contextOf(slotId, slot));
  return text === undefined
    ? undefined
    : { ...slot, sealed: seal(text, to, contextOf(slotId, slot), random) };
}

/** `nowMs`: what is known of an account's token changes with time alone. */
export function statusOf(slotId: string, slot: StoredSlot, nowMs: number): AuthSlotStatus {
  const { provider, mode, summary, details, updated_at_ms, disabled } = slot;
  const account_state = accountStateOf(mode, details, nowMs);
  return {
    slot_id: slotId,
    provider,
    mode,
    summary,
    updated_at_ms,
    ...(details === undefined ? {} : { details }),
    ...(disabled === undefined ? {} : { disabled: true, disabled_reason: disabled.reason }),
    ...(account_state === undefined ? {} : { account_state }),
  };
}

/** The status of a slot that is not sealed. */
export function plainStatus(record: AuthSlotRecord, nowMs: number): AuthSlotStatus {
  const { slot_id, provider, mode, updated_at_ms = 0 } = record;
  const details = slotDetails(record);
  const summary = slotSummary(record);
  const account_state = accountStateOf(mode, details, nowMs);
  return {
    slot_id,
    provider,
    mode,
    summary,
    updated_at_ms,
    ...(details === undefined ? {} : { details }),
    ...(account_state === undefined ? {} : { account_state }),
  };
}

/** Guarded by the revision it was read at; 0: it must not exist. */
export function putSlot(slotId: string, data: StoredSlot, expectedRevision: number): Op {
  const keys = { id: [slotId], key: [data.sealed.key_id] };
  return { op: "put", kind: SLOT_KIND, id: slotId, data, keys, expectedRevision };
}

function contextOf(slotId: string, { provider, mode }: { provider: AuthProvider; mode: AuthMode }) {
  return { purpose: "slot" as const, identity: [slotId, provider, mode] };
}
