import type { AuditCheckpoint } from "@kheish/contract";
import type { StoredEvent } from "../../kernel/store.ts";
import { checkpointInput } from "./checkpoint.ts";
import type { Verifier } from "./keys/signer.ts";
import { recordHash, SIGNATURE_ALG } from "./record.ts";
import { actionsOf, type ChainPoint, chainedRecords, checkpointOf, pointAfter } from "./stored.ts";

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
      point = followActions(bucket, point, event);
    }
  }
  return point;
}

function followActions(bucket: string, point: ChainPoint, event: StoredEvent): ChainPoint {
  const flaw = flawOfActions(event, point);
  if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
  return pointAfter(event);
}

/** What is wrong with the records of one commit. Whose they are, the next anchor or checkpoint behind them says. */
export function flawOfActions(event: StoredEvent, point: ChainPoint): string | undefined {
  const { first, records } = actionsOf(event);
  if (first !== point.count + 1)
    return `record ${first} follows record ${point.count}: records are missing, repeated or out of order`;
  for (const { number, record, hash } of chainedRecords(event, point))
    if (recordHash(record) !== hash) return `record ${number} was changed: its hash does not match`;
  return records.length === 0 ? `the commit of record ${first} holds no record` : undefined;
}
