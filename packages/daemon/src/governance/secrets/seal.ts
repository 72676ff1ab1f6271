import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../../kernel/random.ts";
import { deriveKey, type MasterKey } from "./master-key.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 2;

/** A text that only its key opens, and only as what it was sealed as. */
export type Sealed = {
  v: typeof VERSION;
  key_id: string;
  /** base64 */
  nonce: string;
  /** base64; the tag is its last 16 bytes. */
  ciphertext: string;
};

/** What a sealed text is: `purpose` picks the key, `identity` is bound to the text and has to be the same to open it. */
export interface SealContext {
  purpose: "slot" | "key" | "debug" | "audit-key";
  identity: readonly string[];
}

export function seal(text: string, key: MasterKey, context: SealContext, random: Random): Sealed {
  const nonce = Buffer.from(random.hex(NONCE_BYTES), "hex");
  const cipher = createCipheriv(CIPHER, deriveKey(key.bytes, context.purpose), nonce, {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(boundData(key.id, context));
  const parts = [cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
  return {
    v: VERSION,
    key_id: key.id,
    nonce: nonce.toString("base64"),
    ciphertext: Buffer.concat(parts).toString("base64"),
  };
}

/** Undefined when the key, the identity or a single byte is not what it was. */
export function unseal(sealed: Sealed, key: MasterKey, context: SealContext): string | undefined {
  const bytes = Buffer.from(sealed.ciphertext, "base64");
  const nonce = Buffer.from(sealed.nonce, "base64");
  if (sealed.v !== VERSION || bytes.length < TAG_BYTES || nonce.length !== NONCE_BYTES) return undefined;
  const body = bytes.subarray(0, -TAG_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, deriveKey(key.bytes, context.purpose), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundData(key.id, context));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function boundData(keyId: string, { purpose, identity }: SealContext): Buffer {
  return Buffer.from(JSON.stringify(["kheish/auth-store", VERSION, purpose, keyId, ...identity]));
}
