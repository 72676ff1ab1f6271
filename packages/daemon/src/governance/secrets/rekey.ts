import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../kernel/store.ts";
import type { Keyrings } from "./keyrings.ts";
import { VaultError } from "./master-key.ts";
import { resealKey } from "./sealed-key.ts";
import { readToWrite, slotsUnderOthers } from "./slot-records.ts";
import { putSlot, resealSlot } from "./stored-slot.ts";
import { unreadable } from "./unsealed.ts";

const MAX_REFUSALS = 100;

/** Seals everything under the current key; answers how many slots it sealed. */
export async function finishRekey(store: Store, keyrings: Keyrings, random: Random): Promise<number> {
  const slots = await resealSlots(store, keyrings, random);
  await resealKey(store, keyrings, random);
  return slots;
}

/**
 * Seals every slot under the current key, batch by batch; answers how many it sealed. A slot that somebody writes
 * meanwhile is under the current key already: its batch is refused and the others of it are taken again.
 */
async function resealSlots(store: Store, keyrings: Keyrings, random: Random): Promise<number> {
  let done = 0;
  for (let refusals = 0; refusals < MAX_REFUSALS; ) {
    let keyring = await keyrings.current();
    const ids = await slotsUnderOthers(store, keyring.current.id);
    if (ids.length === 0) return done;
    const batch = await Promise.all(ids.map((id) => readToWrite(store, id)));
    // Another daemon may have begun the next change: its key has come up since the keyring was read.
    if (batch.some(({ found }) => found && keyring.get(found.data.sealed.key_id) === undefined))
      keyring = await keyrings.reload();
    const resealing = batch.flatMap(({ found, guard }) => {
      if (found === undefined || found.data.sealed.key_id === keyring.current.id) return [];
      const { id, data, revision } = found;
      const from = keyring.get(data.sealed.key_id);
      const resealed = from && resealSlot(id, data, from, keyring.current, random);
      if (resealed === undefined) throw new VaultError(unreadable(id, data, keyring));
      return [[guard, putSlot(id, resealed, revision)]];
    });
    const result = await store.commit([...keyring.guard(), ...resealing.flat()]);
    if (result.ok) {
      done += resealing.length;
      continue;
    }
    refusals += 1;
    await keyrings.reload();
  }
  throw new Error(`a batch of slots was refused ${MAX_REFUSALS} times`);
}

/** The daemon was started with the current key and nothing needs another one: from now on those open nothing. */
export async function confirmKey(store: Store, keyrings: Keyrings): Promise<void> {
  const keyring = await keyrings.current();
  if (!keyring.isChanging || keyring.current.id !== keyring.own.id) return;
  await store.commit([keyring.confirm()]);
  await keyrings.reload();
}
