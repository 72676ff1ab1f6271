import { problem } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { Keyring } from "./keyring.ts";
import { type MasterKey, NO_MASTER_KEY } from "./master-key.ts";

/** The keyring as it was last read. Whoever is refused by its guard reads it again. */
export class Keyrings {
  readonly #store: Store;
  readonly #masterKey: MasterKey | undefined;
  readonly #onKey: (key: MasterKey) => void;
  #last: Keyring | undefined;

  /** `onKey` hears of every key before anybody can use it. */
  constructor(
    store: Store,
    masterKey: MasterKey | undefined,
    onKey: (key: MasterKey) => void = () => undefined,
  ) {
    this.#store = store;
    this.#masterKey = masterKey;
    this.#onKey = onKey;
  }

  /** Undefined before it was read for the first time. */
  get last(): Keyring | undefined {
    return this.#last;
  }

  /** Throws the problem `master_key_missing` when there is no key (02-R48). */
  async current(): Promise<Keyring> {
    return this.#last ?? this.reload();
  }

  async reload(): Promise<Keyring> {
    if (this.#masterKey === undefined) throw problem("runtime", "master_key_missing", NO_MASTER_KEY);
    this.#last = await Keyring.load(this.#store, this.#masterKey, this.#last);
    for (const key of this.#last.keys) this.#onKey(key);
    return this.#last;
  }
}
