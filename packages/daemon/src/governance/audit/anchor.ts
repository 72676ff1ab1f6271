import type { Signer } from "./keys/signer.ts";
import { SIGNATURE_ALG, sha256 } from "./record.ts";

/** Where a bucket stood: its name, its number of records, the hash of the last one. */
export type AnchoredHead = [bucket: string, recordCount: number, lastRecordHash: string];

/**
 * Where all buckets stood that had moved since the anchor before: signed, and chained to it. What the ledger's own
 * chains cannot say, that a whole bucket or the end of one is gone, the anchors say.
 */
export interface Anchor {
  number: number;
  timestamp_ms: number;
  /** The journal position that everything up to is covered by this anchor and those before it. */
  position: number;
  heads: AnchoredHead[];
  prev_hash?: string;
  anchor_hash: string;
  signature_alg: string;
  key_id: string;
  signature: string;
}

export type UnsignedAnchor = Pick<Anchor, "number" | "timestamp_ms" | "position" | "heads" | "prev_hash">;

export function anchorHash(anchor: UnsignedAnchor): string {
  return sha256(
    JSON.stringify({
      number: anchor.number,
      timestamp_ms: anchor.timestamp_ms,
      position: anchor.position,
      heads: anchor.heads,
      prev_hash: anchor.prev_hash ?? null,
    }),
  );
}

export function anchorInput(anchorHash: string, keyId: string): string {
  return JSON.stringify({ anchor_hash: anchorHash, signature_alg: SIGNATURE_ALG, key_id: keyId });
}

export async function signAnchor(signer: Signer, anchor: UnsignedAnchor): Promise<Anchor> {
  const hash = anchorHash(anchor);
  return {
    number: anchor.number,
    timestamp_ms: anchor.timestamp_ms,
    position: anchor.position,
    heads: anchor.heads,
    ...(anchor.prev_hash === undefined ? {} : { prev_hash: anchor.prev_hash }),
    anchor_hash: hash,
    signature_alg: SIGNATURE_ALG,
    key_id: signer.keyId,
    signature: await signer.sign(anchorInput(hash, signer.keyId)),
  };
}
