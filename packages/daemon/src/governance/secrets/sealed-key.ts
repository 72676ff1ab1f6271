import type { Random } from "../../kernel/random.ts";
import type { Op, Store } from "../../kernel/store.ts";
import { Keyring, wrongKey } from "./keyring.ts";
import type { Keyrings } from "./keyrings.ts";
import { type MasterKey, VaultError } from "./master-key.ts";
import { type Sealed, seal, unseal } from "./seal.ts";
import { countSlots } from "./slot-records.ts";

/** The record of the key with which daemons on one store sign the audit. */
export const AUDIT_KEY_RECORD = { kind: "audit_signing_key", id: "current" } as const;
const CONTEXT = { purpose: "audit-key", identity: [AUDIT_KEY_RECORD.id] } as const;
const MAX_REFUSALS = 100;

/** A key as a record holds it; a change of the master key takes it along. */
export type SealedKey = { sealed: Sealed };

/** Seals a key under the master key in force; `guard` belongs into the commit that writes it. */
export async function sealKey(
  store: Store,
  masterKey: MasterKey,
  text: string,
  random: Random,
): Promise<{ sealed: Sealed; guard: Op[] }> {
  const keyring = await Keyring.load(store, masterKey);
  if (keyring.isCurrentKnown)
    return { sealed: seal(text, keyring.current, CONTEXT, random), guard: keyring.guard() };
  if ((await countSlots(store)) > 0) throw new VaultError(wrongKey(masterKey.id, undefined));
  // Nothing is left that another key could open: this one begins anew.
  return { sealed: seal(text, masterKey, CONTEXT, random), guard: [keyring.adopt()] };
}

/** Throws `VaultError` when the master key is not there, or not the one. */
export async function openKey(
  store: Store,
  masterKey: MasterKey | undefined,
  sealed: Sealed,
): Promise<string> {
  const key = masterKey && (await Keyring.load(store, masterKey)).get(sealed.key_id);
  const text = key && unseal(sealed, key, CONTEXT);
  if (text !== undefined) return text;
  throw new VaultError(
    `the key that signs the audit is sealed under the master key ${sealed.key_id}, and this daemon has ${masterKey === undefined ? "none" : masterKey.id}: daemons on one store need the same one, in KHEISH_AUTH_STORE_MASTER_KEY[_FILE]`,
  );
}

/** After a change of keys: what is sealed under another one is sealed under the one in force. */
export async function resealKey(store: Store, keyrings: Keyrings, random: Random): Promise<void> {
  const { kind, id } = AUDIT_KEY_RECORD;
  for (let refusals = 0; refusals < MAX_REFUSALS; refusals++) {
    const keyring = refusals === 0 ? await keyrings.current() : await keyrings.reload();
    const found = await store.get<Partial<SealedKey>>(kind, id);
    const { sealed } = found?.data ?? {};
    if (found === undefined || sealed === undefined || sealed.key_id === keyring.current.id) return;
    const from = keyring.get(sealed.key_id);
    // A key that has come up since the keyring was read is there at the next look.
    if (from === undefined) continue;
    const text = unseal(sealed, from, CONTEXT);
    if (text === undefined) throw new VaultError(`the audit's signing key cannot be opened`);
    const data = { ...found.data, sealed: seal(text, keyring.current, CONTEXT, random) };
    const put = { op: "put", kind, id, data, keys: {}, expectedRevision: found.revision } as const;
    if ((await store.commit([...keyring.guard(), put])).ok) return;
  }
  throw new VaultError(`the audit's signing key could not be sealed under the master key in force`);
}
