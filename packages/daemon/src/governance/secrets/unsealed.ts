import type { AuthSlotRecord } from "@kheish/contract";
import { type Keyring, wrongKey } from "./keyring.ts";
import { VaultError } from "./master-key.ts";
import { type StoredSlot, unsealSlot } from "./stored-slot.ts";

/** The slot with its secret; throws `VaultError` when no key that is known here opens it. */
export function unsealed(slotId: string, data: StoredSlot, keyring: Keyring): AuthSlotRecord {
  const key = keyring.get(data.sealed.key_id);
  const record = key && unsealSlot(slotId, data, key);
  if (record === undefined) throw new VaultError(unreadable(slotId, data, keyring));
  return record;
}

/** Why a slot cannot be opened: for want of its key, or because somebody changed what is stored. */
export function unreadable(slotId: string, data: StoredSlot, keyring: Keyring): string {
  const { key_id } = data.sealed;
  if (keyring.get(key_id) === undefined) return wrongKey(keyring.own.id, key_id);
  return `slot '${slotId}' of the auth store cannot be decrypted: what is stored is not what was written under the key ${key_id}`;
}
