import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { AuditLedger } from "../governance/audit/index.ts";
import { importBrokerState } from "../governance/broker/import-state.ts";
import { Credentials } from "../governance/credentials.ts";
import type { Redactor } from "../governance/redaction/redactor.ts";
import {
  hasSlots,
  importAuthFile,
  loadMasterKey,
  type MasterKey,
  parseMasterKey,
} from "../governance/secrets/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { writeWholeFile } from "../kernel/durable-files.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Store } from "../kernel/store.ts";
import { type Env, readIfPresent, readText } from "./environment.ts";

/** The slots of the store, and those that an older version left in a file (02-R48, 02-R49). */
export async function openCredentials(
  { store, audit }: { store: Store; audit: AuditLedger },
  stateRoot: string,
  env: Env,
  log: Log,
  redactor: Redactor,
): Promise<Credentials> {
  const masterKey = await masterKeyFor(stateRoot, env);
  const credentials = new Credentials({
    store,
    audit,
    clock: systemClock,
    random: systemRandom,
    masterKey,
    redactor,
  });
  await credentials.start();
  const { vault, broker } = credentials;
  const path = authFileOf(stateRoot);
  const files = { readFile: readIfPresent, rename, log };
  await importAuthFile(path, { vault, masterKey, ...files });
  await importBrokerState(path.replace(/\.json$/, ".broker-state.json"), { vault, broker, ...files });
  const { key_id, awaits_new_key } = vault.state;
  if (awaits_new_key) {
    log.warn(
      { key_id },
      "the master key was changed: give the daemon the new one, until then the old one still opens the auth store",
    );
  }
  return credentials;
}

/** The key that the environment names, else the one that `up` made for this state root. */
export async function masterKeyFor(stateRoot: string, env: Env): Promise<MasterKey | undefined> {
  const named = await loadMasterKey(env, readText);
  if (named !== undefined) return named;
  const path = masterKeyFile(stateRoot);
  const text = await readIfPresent(path);
  return text === undefined ? undefined : parseMasterKey(text, path);
}

/**
 * Makes a key for a state root that has none, so that its first secret can be kept without ado (08, `up`). Where there
 * are secrets under a key already, that is the key to be given.
 */
export async function createMasterKey(stateRoot: string, env: Env, store: Store): Promise<void> {
  if ((await masterKeyFor(stateRoot, env)) !== undefined) return;
  const isUsed = (await readIfPresent(authFileOf(stateRoot))) !== undefined || (await hasSlots(store));
  if (isUsed) return;
  const key = Buffer.from(systemRandom.hex(32), "hex").toString("base64");
  await writeWholeFile(masterKeyFile(stateRoot), `${key}\n`, systemRandom);
}

/** For the daemon's user alone; no backup takes it along. */
function masterKeyFile(stateRoot: string): string {
  return join(stateRoot, "auth-store-master.key");
}

/** Where older versions kept their slots. */
export function authFileOf(stateRoot: string): string {
  return join(stateRoot, "auth", "global-slots.json");
}
