import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** Signs with one Ed25519 key; `keyId` is its public key, hex. */
export interface Signer {
  readonly keyId: string;
  /** Hex. */
  sign(message: string): Promise<string> | string;
}

/** What stands before the 32 bytes of a key in its DER forms (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

function keyIdOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return der.subarray(SPKI_PREFIX.length).toString("hex");
}

/**
 * Signs beside the event loop: what it costs there is handing the message over. `seed` has 32 bytes.
 */
export function createSigner(seed: Uint8Array): Signer {
  const key = privateKey(seed);
  return {
    keyId: keyIdOf(key),
    sign: (message) =>
      new Promise((resolve, reject) => {
        sign(null, Buffer.from(message), key, (error, signature) => {
          if (error === null) resolve(signature.toString("hex"));
          else reject(error);
        });
      }),
  };
}

/** Signs at once: for whoever must not depend on threads, as a simulation. */
export function createSynchronousSigner(seed: Uint8Array): Signer {
  const key = privateKey(seed);
  return {
    keyId: keyIdOf(key),
    sign: (message) => sign(null, Buffer.from(message), key).toString("hex"),
  };
}

const KEY_ID = /^[0-9a-f]{64}$/;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** Checks signatures by the key that they name; keys are parsed once. */
export class Verifier {
  readonly #keys = new Map<string, KeyObject>();

  isValid(message: string, keyId: string, signature: string): boolean {
    if (!KEY_ID.test(keyId) || !SIGNATURE.test(signature)) return false;
    try {
      return verify(null, Buffer.from(message), this.#key(keyId), Buffer.from(signature, "hex"));
    } catch {
      // Not every 32 bytes are a point of the curve.
      return false;
    }
  }

  /** The same beside the event loop, for many at once. */
  async isValidSoon(message: string, keyId: string, signature: string): Promise<boolean> {
    if (!KEY_ID.test(keyId) || !SIGNATURE.test(signature)) return false;
    return new Promise((resolve) => {
      try {
        const bytes = Buffer.from(signature, "hex");
        verify(null, Buffer.from(message), this.#key(keyId), bytes, (error, valid) =>
          resolve(error === null && valid),
        );
      } catch {
        resolve(false);
      }
    });
  }

  #key(keyId: string): KeyObject {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return known;
    const key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, Buffer.from(keyId, "hex")]),
      format: "der",
      type: "spki",
    });
    this.#keys.set(keyId, key);
    return key;
  }
}
