import type { AuditCheckpoint } from "@kheish/contract";
import type { Signer } from "./keys/signer.ts";
import { SIGNATURE_ALG } from "./record.ts";

/** How many records of a bucket make a segment: what is read at most before a chain can be gone on with. */
export const SEGMENT_RECORDS = 1_024;

/** The bytes that a checkpoint's signature is of; `last_record_hash` is left out when absent (02-R77). */
export function checkpointInput(checkpoint: Omit<AuditCheckpoint, "signature" | "signature_alg">): string {
  return JSON.stringify({
    bucket: checkpoint.bucket,
    record_count: checkpoint.record_count,
    last_record_hash: checkpoint.last_record_hash,
    signature_alg: SIGNATURE_ALG,
    key_id: checkpoint.key_id,
  });
}

export async function signCheckpoint(
  signer: Signer,
  at: { bucket: string; record_count: number; last_record_hash: string },
): Promise<AuditCheckpoint> {
  const signature = await signer.sign(checkpointInput({ ...at, key_id: signer.keyId }));
  return { ...at, signature_alg: SIGNATURE_ALG, key_id: signer.keyId, signature };
}
