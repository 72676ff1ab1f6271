import { createDecipheriv } from "node:crypto";
import { type AuthSlotRecord, AuthSlotWrite, readAuthSlot } from "@kheish/contract";
import { z } from "zod";
import type { Log } from "../../kernel/log.ts";
import { type MasterKey, NO_MASTER_KEY, VaultError } from "./master-key.ts";
import type { Vault } from "./vault.ts";

/** Version 1: the whole store in one file, and before that the same without encryption. */
const Envelope = z.object({ version: z.literal(1), nonce: z.base64(), ciphertext: z.base64() });
const Plain = z.object({ slots: z.record(z.string(), z.unknown()).default({}) });
const TAG_BYTES = 16;
/** Node types it by what it knows; to its OpenSSL it is one more mode with a tag. */
const SIV: string = "aes-256-gcm-siv";

export interface ImportDeps {
  vault: Vault;
  masterKey: MasterKey | undefined;
  /** Undefined when there is no such file. */
  readFile: (path: string) => Promise<string | undefined>;
  rename: (from: string, to: string) => Promise<void>;
  log: Log;
}

/**
 * Takes the slots of an older auth store file into the store, once, and moves the file aside. A slot that the store has
 * already stays as it is. Without a master key an unencrypted file is read at every start and left alone (02-R48).
 */
export async function importAuthFile(path: string, { vault, masterKey, ...deps }: ImportDeps): Promise<void> {
  const text = await deps.readFile(path);
  if (text === undefined) return;
  const { records, isEncrypted } = parseAuthFile(text, path, masterKey);
  if (masterKey === undefined) {
    for (const record of records) vault.adoptPlain(record);
    deps.log.warn({ path, slots: records.length }, `the auth store file is not encrypted; ${NO_MASTER_KEY}`);
    return;
  }
  let imported = 0;
  for (const record of records) {
    if ((await vault.get(record.slot_id)) !== undefined) continue;
    await vault.put(record, { actor: "daemon:import", expectedRevision: 0 });
    imported += 1;
  }
  const aside = `${path}.imported`;
  await deps.rename(path, aside);
  const fields = { path, aside, imported, kept: records.length - imported };
  if (isEncrypted) deps.log.info(fields, "the slots of an older auth store file are in the store now");
  else
    deps.log.warn(
      fields,
      "the slots of an unencrypted auth store file are in the store now: delete the old file",
    );
}

/** Every slot of the file; throws `VaultError` when it cannot be opened or understood. Never quotes content. */
export function parseAuthFile(
  text: string,
  path: string,
  masterKey: MasterKey | undefined,
): { records: AuthSlotRecord[]; isEncrypted: boolean } {
  const document = parsed(text, path);
  const isEncrypted = typeof document === "object" && document !== null && "ciphertext" in document;
  const content = isEncrypted ? parsed(decrypt(document, path, masterKey), path) : document;
  const store = Plain.safeParse(content);
  if (!store.success) throw new VaultError(`${path} is not an auth store file`);
  const records = Object.entries(store.data.slots).map(([slotId, slot]) => {
    const body = AuthSlotWrite.safeParse(slot);
    const read = body.success ? readAuthSlot(body.data) : undefined;
    if (read?.ok !== true || read.record.slot_id !== slotId) {
      throw new VaultError(`slot '${slotId}' of ${path} is not one that this version knows`);
    }
    const updated_at_ms = body.data?.updated_at_ms;
    return { ...read.record, ...(updated_at_ms === undefined ? {} : { updated_at_ms }) };
  });
  return { records, isEncrypted };
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new VaultError(`${path} is not valid JSON`);
  }
}

function decrypt(document: unknown, path: string, masterKey: MasterKey | undefined): string {
  if (masterKey === undefined) throw new VaultError(`${path} is encrypted, and ${NO_MASTER_KEY}`);
  const envelope = Envelope.safeParse(document);
  if (!envelope.success) throw new VaultError(`${path} is not an auth store file of version 1`);
  const bytes = Buffer.from(envelope.data.ciphertext, "base64");
  const nonce = Buffer.from(envelope.data.nonce, "base64");
  try {
    const decipher = createDecipheriv(SIV as "aes-256-gcm", masterKey.bytes, nonce);
    // Unlike in other modes, the tag takes part in decryption and has to be there first.
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString("utf8");
  } catch (error) {
    throw new VaultError(
      `${path} cannot be decrypted with the master key in use (id ${masterKey.id}); start the daemon with the key that it was written with`,
      { cause: error },
    );
  }
}
