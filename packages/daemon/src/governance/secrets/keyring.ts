import type { Random } from "../../kernel/random.ts";
import type { Op, Store } from "../../kernel/store.ts";
import type { MasterKey } from "./master-key.ts";
import { masterKeyOf, VaultError } from "./master-key.ts";
import { type Sealed, seal, unseal } from "./seal.ts";

const KIND = "auth_keyring";
const ID = "keyring";

/**
 * Which key slots are written under, and, while a change of keys is not over, each of the two sealed under the other:
 * whoever has either can read everything, so a daemon that is killed in the middle starts with the key it has.
 */
type StoredKeyring = {
  current: string;
  wrapped: { key_id: string; sealed: Sealed }[];
  rekeyed_at_ms?: number;
};

/** The keys this daemon knows, and what is stored about them. Its revision guards every write of a slot. */
export class Keyring {
  readonly revision: number;
  readonly #stored: StoredKeyring | undefined;
  readonly #keys: ReadonlyMap<string, MasterKey>;
  /** The key that the daemon was started with. */
  readonly #own: MasterKey;

  private constructor(
    own: MasterKey,
    keys: ReadonlyMap<string, MasterKey>,
    revision: number,
    stored?: StoredKeyring,
  ) {
    this.#own = own;
    this.#keys = keys;
    this.revision = revision;
    this.#stored = stored;
  }

  /** `before` brings the keys that are known already: they stay so when others have confirmed the change of keys. */
  static async load(store: Store, own: MasterKey, before?: Keyring): Promise<Keyring> {
    const record = await store.get<StoredKeyring>(KIND, ID);
    const keys = new Map(before === undefined ? [] : before.#keys);
    keys.set(own.id, own);
    const wrapped = record?.data.wrapped ?? [];
    // Each pass opens what the last one made possible; there are never more keys than wraps.
    for (let pass = 0; pass < wrapped.length; pass++) {
      for (const { key_id, sealed } of wrapped) {
        const opener = keys.get(sealed.key_id);
        if (opener === undefined || keys.has(key_id)) continue;
        const text = unseal(sealed, opener, { purpose: "key", identity: [key_id] });
        if (text === undefined) throw new VaultError(`the wrapped master key ${key_id} cannot be opened`);
        keys.set(key_id, masterKeyOf(Buffer.from(text, "base64")));
      }
    }
    return new Keyring(own, keys, record?.revision ?? 0, record?.data);
  }

  get keys(): Iterable<MasterKey> {
    return this.#keys.values();
  }

  get(keyId: string): MasterKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Slots are written under this one. */
  get current(): MasterKey {
    const key = this.#keys.get(this.#stored?.current ?? this.#own.id);
    if (key === undefined) throw new VaultError(wrongKey(this.#own.id, this.#stored?.current));
    return key;
  }

  get isCurrentKnown(): boolean {
    return this.#stored === undefined || this.#keys.has(this.#stored.current);
  }

  get own(): MasterKey {
    return this.#own;
  }

  /** The key that others still need is on record: the change of keys has not been confirmed by a start. */
  get isChanging(): boolean {
    return (this.#stored?.wrapped.length ?? 0) > 0;
  }

  /** Belongs into every commit that writes a slot: nothing is sealed under a key that has just been replaced. */
  guard(): Op[] {
    if (this.#stored !== undefined) {
      return [{ op: "check", kind: KIND, id: ID, revision: this.revision }];
    }
    return [this.adopt()];
  }

  /** From now on slots are written under `next`; both keys open everything until the change is confirmed. */
  change(next: MasterKey, random: Random, nowMs: number): Op {
    const { current } = this;
    const wrap = (key: MasterKey, by: MasterKey) => ({
      key_id: key.id,
      sealed: seal(
        Buffer.from(key.bytes).toString("base64"),
        by,
        { purpose: "key", identity: [key.id] },
        random,
      ),
    });
    const wrapped = [...(this.#stored?.wrapped ?? []), wrap(next, current), wrap(current, next)];
    return this.#put({ current: next.id, wrapped, rekeyed_at_ms: nowMs });
  }

  /** The daemon runs on the current key and nothing is sealed under another: older keys open nothing any more. */
  confirm(): Op {
    return this.#put({ ...this.#stored, current: this.current.id, wrapped: [] });
  }

  /** This daemon's own key takes the place of one that nothing is sealed under. */
  adopt(): Op {
    return this.#put({ current: this.#own.id, wrapped: [] });
  }

  #put(data: StoredKeyring): Op {
    return { op: "put", kind: KIND, id: ID, data, keys: {}, expectedRevision: this.revision };
  }
}

export function wrongKey(given: string, needed: string | undefined): string {
  return `the auth store cannot be decrypted: the master key in use has the id ${given}, the slots are encrypted under ${needed ?? "another one"}; start the daemon with the key that they were written with`;
}
