import { hkdfSync } from "node:crypto";

const KEY_BYTES = 32;
const VARIABLE = "KHEISH_AUTH_STORE_MASTER_KEY";

/** The auth store cannot be opened as it was asked to; the daemon does not start. Holds no key. */
export class VaultError extends Error {
  override readonly name = "VaultError";
}

/** The key that all slots are sealed under. `id` tells keys apart and says nothing about them. */
export interface MasterKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export function masterKeyOf(bytes: Uint8Array): MasterKey {
  return { bytes, id: Buffer.from(deriveKey(bytes, "key-id", 8)).toString("hex") };
}

/** A key of its own for each purpose, so that no two uses of the master key can touch each other. */
export function deriveKey(bytes: Uint8Array, purpose: string, length = KEY_BYTES): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", bytes, "", `kheish/auth-store/${purpose}`, length));
}

/** 32 bytes as base64, else 32 bytes of text as they stand; white space around either means nothing (02-R49). */
export function parseMasterKey(text: string, source: string): MasterKey {
  const trimmed = text.trim();
  if (/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return masterKeyOf(Buffer.from(trimmed, "base64"));
  const raw = Buffer.from(trimmed, "utf8");
  if (raw.length === KEY_BYTES) return masterKeyOf(raw);
  throw new VaultError(
    `${source} must hold 32 bytes, as text or as base64; 'kheish secrets generate' prints such a key`,
  );
}

/** The daemon's master key, from its variable or the file that the other one names; both at once are a mistake. */
export async function loadMasterKey(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => Promise<string>,
): Promise<MasterKey | undefined> {
  const inline = env[VARIABLE]?.trim() || undefined;
  const file = env[`${VARIABLE}_FILE`]?.trim() || undefined;
  if (inline !== undefined && file !== undefined) {
    throw new VaultError(`${VARIABLE} and ${VARIABLE}_FILE are both set: keep one of them`);
  }
  if (inline !== undefined) return parseMasterKey(inline, VARIABLE);
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(file);
  } catch (error) {
    throw new VaultError(`cannot read the master key file ${file} that ${VARIABLE}_FILE names`, {
      cause: error,
    });
  }
  return parseMasterKey(text, file);
}

export const NO_MASTER_KEY = `the daemon has no master key: set ${VARIABLE} or ${VARIABLE}_FILE and restart it; 'kheish secrets generate' prints one`;
