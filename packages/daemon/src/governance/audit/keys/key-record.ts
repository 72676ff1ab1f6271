import type { AuditKey } from "@kheish/contract";
import { SIGNATURE_ALG, sha256 } from "../record.ts";
import type { Signer, Verifier } from "./signer.ts";

type UnsignedKey = Pick<
  AuditKey,
  "number" | "timestamp_ms" | "key_id" | "origin" | "previous_key_id" | "prev_hash"
>;

export function keyRecordHash(key: UnsignedKey): string {
  return sha256(
    JSON.stringify({
      number: key.number,
      timestamp_ms: key.timestamp_ms,
      key_id: key.key_id,
      origin: key.origin,
      previous_key_id: key.previous_key_id ?? null,
      prev_hash: key.prev_hash ?? null,
    }),
  );
}

/** What the new key signs, and at a rollover the old one too: a hand-over that both agree to. */
export function keyRecordInput(recordHash: string, keyId: string): string {
  return JSON.stringify({ audit_key_hash: recordHash, signature_alg: SIGNATURE_ALG, key_id: keyId });
}

/** The next record of the ring; with `previous`, signed by both keys. */
export async function signKeyRecord(
  last: AuditKey | undefined,
  nowMs: number,
  signer: Signer,
  previous: Signer | undefined,
): Promise<AuditKey> {
  const unsigned: UnsignedKey = {
    number: (last?.number ?? 0) + 1,
    timestamp_ms: nowMs,
    key_id: signer.keyId,
    origin: last === undefined ? "first" : previous === undefined ? "boundary" : "rollover",
    ...(last === undefined ? {} : { previous_key_id: last.key_id, prev_hash: last.record_hash }),
  };
  const hash = keyRecordHash(unsigned);
  return {
    ...unsigned,
    record_hash: hash,
    signature_alg: SIGNATURE_ALG,
    signature: await signer.sign(keyRecordInput(hash, signer.keyId)),
    ...(previous === undefined || last === undefined
      ? {}
      : { previous_signature: await previous.sign(keyRecordInput(hash, previous.keyId)) }),
  };
}

/** What is wrong with a record of the ring that follows `last`; undefined when nothing is. */
export function flawOfKeyRecord(
  key: AuditKey,
  last: AuditKey | undefined,
  verifier: Verifier,
): string | undefined {
  if (key.number !== (last?.number ?? 0) + 1)
    return `key ${key.number} follows key ${last?.number ?? 0}: a key record is missing, repeated or out of order`;
  if ((key.origin === "first") !== (last === undefined)) return `key ${key.number} has the wrong origin`;
  if (key.prev_hash !== last?.record_hash || key.previous_key_id !== last?.key_id)
    return `key ${key.number} does not follow the key record before it`;
  if (keyRecordHash(key) !== key.record_hash) return `key ${key.number} was changed: its hash does not match`;
  if (key.signature_alg !== SIGNATURE_ALG) return `key ${key.number} names an unknown signature algorithm`;
  if (!verifier.isValid(keyRecordInput(key.record_hash, key.key_id), key.key_id, key.signature))
    return `key ${key.number} is not signed by itself`;
  if (key.origin !== "rollover")
    return key.previous_signature === undefined ? undefined : `key ${key.number} has a signature too many`;
  const byPrevious = keyRecordInput(key.record_hash, last?.key_id ?? "");
  return verifier.isValid(byPrevious, last?.key_id ?? "", key.previous_signature ?? "")
    ? undefined
    : `key ${key.number} is not signed by the key before it`;
}
