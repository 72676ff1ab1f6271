import { existsSync } from "node:fs";
import type { AuthSlotRecord, AuthSlotStatus, RekeyView } from "@kheish/contract";
import { keylessLedger } from "./governance/audit/index.ts";
import { Credentials } from "./governance/credentials.ts";
import { Redactor } from "./governance/redaction/redactor.ts";
import { type MasterKey, parseAuthFile, type Vault } from "./governance/secrets/index.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { systemRandom } from "./kernel/random.ts";
import { openStateRoot } from "./kernel/state-root.ts";
import { authFileOf, masterKeyFor, openCredentials } from "./opening/credentials.ts";
import { type Env, readIfPresent } from "./opening/environment.ts";
import { openStore } from "./opening/store.ts";

/** The auth store of a state root that no daemon runs on. */
export interface OfflineSecrets {
  list(): Promise<AuthSlotStatus[]>;
  get(slotId: string): Promise<AuthSlotStatus | undefined>;
  put(record: AuthSlotRecord): Promise<AuthSlotStatus>;
  /** False when there is no such slot. */
  delete(slotId: string): Promise<boolean>;
  rekey(key: MasterKey): Promise<RekeyView>;
  close(): Promise<void>;
}

export interface OfflineOptions {
  /** Absolute. */
  stateRoot: string;
  /** `sqlite`, or the URL of a PostgreSQL database. */
  store: string;
  /** A reader changes nothing, and needs a key only for what is encrypted in an older file. */
  access: "read" | "write";
}

const BY = { actor: "offline" };
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Takes the state root's lock, or refuses while a daemon holds it (02, weakness 9). */
export async function openOfflineSecrets(options: OfflineOptions, env: Env): Promise<OfflineSecrets> {
  const { stateRoot, access } = options;
  if (access === "read" && !existsSync(stateRoot)) throw new Error(`there is no state root at ${stateRoot}`);
  const root = await openStateRoot(stateRoot, systemRandom);
  const undo: (() => Promise<unknown>)[] = [() => root.release()];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const store = await openStore(options.store, root.path);
    undo.push(() => store.close());
    const redactor = new Redactor();
    const audit = await keylessLedger(store, systemClock, SILENT);
    if (access === "write") {
      const { vault } = await openCredentials({ store, audit }, root.path, env, SILENT, redactor);
      return { ...operations(vault), close };
    }
    const masterKey = await masterKeyFor(root.path, env);
    const { vault } = new Credentials({
      store,
      audit,
      clock: systemClock,
      random: systemRandom,
      masterKey,
      redactor,
    });
    await adoptFile(authFileOf(root.path), vault, masterKey);
    return { ...operations(vault), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function operations(vault: Vault): Omit<OfflineSecrets, "close"> {
  return {
    list: () => vault.list(),
    get: async (slotId) => (await vault.get(slotId))?.status,
    put: async (record) => (await vault.put(record, BY)).status,
    delete: (slotId) => vault.delete(slotId, BY),
    rekey: (key) => vault.rekey(key, BY),
  };
}

/** Shows the slots of an older file that a start would import, and leaves the file where it is. */
async function adoptFile(path: string, vault: Vault, masterKey: MasterKey | undefined): Promise<void> {
  const text = await readIfPresent(path);
  if (text === undefined) return;
  for (const record of parseAuthFile(text, path, masterKey).records) {
    if ((await vault.get(record.slot_id)) === undefined) vault.adoptPlain(record);
  }
}
