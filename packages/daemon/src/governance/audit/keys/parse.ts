import { createPublicKey } from "node:crypto";

/** The key cannot be used: what, where, and what to do about it. Never holds the key. */
export class AuditKeyError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AuditKeyError";
  }
}

const KEY_BYTES = 32;

/**
 * The 32-byte seed in any of its forms: hex, base64url, base64, 32 raw bytes, or the JSON key file (02-R81).
 * Undefined when it is none of them.
 */
export function parseSeed(content: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(content);
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString("utf8").trim();
  if (text.startsWith("{")) return fromKeyFile(text);
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, "base64url");
  const raw = Buffer.from(text);
  return raw.length === KEY_BYTES ? raw : undefined;
}

function fromKeyFile(text: string): Buffer | undefined {
  try {
    const file = JSON.parse(text) as { algorithm?: unknown; secret_key_hex?: unknown };
    const { algorithm, secret_key_hex: hex } = file;
    if (algorithm !== "ed25519" || typeof hex !== "string" || !/^[0-9a-fA-F]{64}$/.test(hex))
      return undefined;
    return Buffer.from(hex, "hex");
  } catch {
    return undefined;
  }
}

const KEY_ID = /^[0-9a-f]{64}$/;
const SPKI_BYTES = 44;

/**
 * The public key in a file: hex, a PEM, or the JSON that names it as `key_id` or `current_key_id`, as `audit keys`
 * prints it. Undefined when there is none.
 */
export function parseKeyId(content: string): string | undefined {
  const text = content.trim();
  if (KEY_ID.test(text.toLowerCase())) return text.toLowerCase();
  return text.startsWith("-----BEGIN PUBLIC KEY-----") ? fromPem(text) : fromJson(text);
}

function fromPem(text: string): string | undefined {
  try {
    const key = createPublicKey(text);
    const der = key.export({ format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" && der.length === SPKI_BYTES
      ? der.subarray(-KEY_BYTES).toString("hex")
      : undefined;
  } catch {
    return undefined;
  }
}

function fromJson(text: string): string | undefined {
  try {
    const { key_id: named, current_key_id: current } = JSON.parse(text) as Record<string, unknown>;
    const id = named ?? current;
    return typeof id === "string" && KEY_ID.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
