import type { AuditCheckpoint } from "@kheish/contract";
import type { StoredEvent } from "../../kernel/store.ts";
import { checkpointInput } from "./checkpoint.ts";
import type { Verifier } from "./keys/signer.ts";
import { recordHash, SIGNATURE_ALG, signatureInput } from "./record.ts";
import { actionsOf, type ChainedRecord, type ChainPoint, chainedRecords, checkpointOf } from "./stored.ts";

/** The ledger says something that it cannot have written. */
export class AuditDamage extends Error {
  readonly bucket: string;
  constructor(bucket: string, what: string) {
    super(`the audit of '${bucket}' does not verify: ${what}`);
    this.name = "AuditDamage";
    this.bucket = bucket;
  }
}

export interface KnownKeys {
  verifier: Verifier;
  /** Keys of the ring. */
  has(keyId: string): boolean;
}

/** What is wrong with a checkpoint of this bucket at this point of its chain. */
export function flawOfCheckpoint(
  bucket: string,
  checkpoint: AuditCheckpoint,
  point: ChainPoint,
  keys: KnownKeys,
): string | undefined {
  if (checkpoint.bucket !== bucket) return `a checkpoint of '${checkpoint.bucket}' stands in it`;
  if (checkpoint.record_count > point.count)
    return `its checkpoint counts ${checkpoint.record_count} records, there are ${point.count}: it was cut`;
  if (checkpoint.record_count < point.count || checkpoint.last_record_hash !== point.hash)
    return `its checkpoint at record ${checkpoint.record_count} does not match the chain`;
  if (!keys.has(checkpoint.key_id)) return `its checkpoint names a key that is not in the ring`;
  const isSigned =
    checkpoint.signature_alg === SIGNATURE_ALG &&
    keys.verifier.isValid(checkpointInput(checkpoint), checkpoint.key_id, checkpoint.signature);
  return isSigned
    ? undefined
    : `the signature of its checkpoint at record ${checkpoint.record_count} is wrong`;
}

/** Follows a bucket's stream from a point and answers where it ends (02-R79). Throws `AuditDamage`. */
export function followChain(
  bucket: string,
  from: ChainPoint,
  events: readonly StoredEvent[],
  keys: KnownKeys,
): ChainPoint {
  let point = from;
  for (const event of events) {
    if (event.type === "checkpoint") {
      const flaw = flawOfCheckpoint(bucket, checkpointOf(event), point, keys);
      if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
    } else {
      point = followActions(bucket, point, event, keys);
    }
  }
  return point;
}

function followActions(bucket: string, point: ChainPoint, event: StoredEvent, keys: KnownKeys): ChainPoint {
  const flaw = flawOfActions(event, point, keys);
  if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
  const { records } = actionsOf(event);
  const hash = records.at(-1)?.hash;
  return { count: point.count + records.length, ...(hash === undefined ? {} : { hash }) };
}

/** What is wrong with the records of one commit. */
function flawOfActions(event: StoredEvent, point: ChainPoint, keys: KnownKeys): string | undefined {
  const flaw = flawOfHashes(event, point, keys);
  if (flaw !== undefined) return flaw;
  const { key_id: keyId, signature } = actionsOf(event);
  const { number, record, hash } = lastOf(event, point);
  return keys.verifier.isValid(signatureInput(record, hash, keyId), keyId, signature)
    ? undefined
    : `the signature of record ${number} is wrong`;
}

/** What is wrong with the records of one commit, their signature aside. */
export function flawOfHashes(event: StoredEvent, point: ChainPoint, keys: KnownKeys): string | undefined {
  const { first, key_id: keyId, records } = actionsOf(event);
  if (first !== point.count + 1)
    return `record ${first} follows record ${point.count}: records are missing, repeated or out of order`;
  const chained = chainedRecords(event, point);
  for (const { number, record, hash } of chained)
    if (recordHash(record) !== hash) return `record ${number} was changed: its hash does not match`;
  if (records.length === 0) return `the commit of record ${first} holds no record`;
  return keys.has(keyId)
    ? undefined
    : `record ${point.count + records.length} names a key that is not in the ring`;
}

/** The record of a commit that is signed with it. */
export function lastOf(event: StoredEvent, point: ChainPoint): ChainedRecord {
  const last = chainedRecords(event, point).at(-1);
  if (last === undefined) throw new Error("a commit without records");
  return last;
}
