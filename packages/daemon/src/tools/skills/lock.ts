import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type Json, SkillLock } from "@kheish/contract";
import { canonical } from "../../engine/ledger.ts";

/** Why a lock file cannot be held to, as one sentence for its operator. */
export class SkillLockError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SkillLockError";
  }
}

type Pins = Pick<SkillLock, "version" | "skills">;

/** What a signature is over: the canonical JSON of version and skills. */
function signedBytes({ version, skills }: Pins): Buffer {
  return Buffer.from(canonical({ version, skills } as unknown as Json));
}

/** Pins skills, by name. */
export function lockOf(skills: readonly { name: string; digest: string }[]): Pins {
  const pins = skills.map(({ name, digest }) => ({ name, digest }));
  return { version: 1, skills: pins.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Adds the signature of an Ed25519 key, given as PEM. Throws `SkillLockError`. */
export function signLock(pins: Pins, pem: string): SkillLock {
  const key = readKey(() => createPrivateKey(pem), "the signing key");
  const signature = sign(null, signedBytes(pins), key).toString("base64");
  return {
    ...pins,
    signatures: [{ algorithm: "ed25519", key_id: keyId(createPublicKey(key)), signature }],
  };
}

/**
 * A lock file. With public keys it has to bear a signature of one of them over what it says; `signedBy` names those that
 * do. Throws `SkillLockError`.
 */
export function readLock(
  text: string,
  publicKeys: readonly string[],
): { lock: SkillLock; signedBy: string[] } {
  const lock = parsed(text);
  const keys = publicKeys.map((pem) => readKey(() => createPublicKey(pem), "a public key of the lock file"));
  const signedBy = keys.filter((key) => isSignedBy(lock, key)).map(keyId);
  if (keys.length > 0 && signedBy.length === 0)
    throw new SkillLockError("the lock file of the skills bears no valid signature of a key that is trusted");
  return { lock, signedBy };
}

function parsed(text: string): SkillLock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SkillLockError("the lock file of the skills is not JSON");
  }
  const lock = SkillLock.safeParse(value);
  if (lock.success) return lock.data;
  const [issue] = lock.error.issues;
  throw new SkillLockError(
    `the lock file of the skills is not valid: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

function isSignedBy(lock: SkillLock, key: KeyObject): boolean {
  const id = keyId(key);
  return (lock.signatures ?? []).some(
    ({ key_id, signature }) =>
      key_id === id && verify(null, signedBytes(lock), key, Buffer.from(signature, "base64")),
  );
}

function keyId(key: KeyObject): string {
  const der = key.export({ format: "der", type: "spki" });
  return createHash("sha256").update(der).digest("hex").slice(0, 16);
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch {
    // Said below, without what the file holds.
  }
  if (key?.asymmetricKeyType === "ed25519") return key;
  throw new SkillLockError(`${what} must be an Ed25519 key in PEM`);
}
