import type { AdminChangeDetail, ExternalActionAuditRecord } from "@kheish/contract";
import type { StoredEvent } from "../../kernel/store.ts";
import { flawOfHashes, type KnownKeys, lastOf } from "./chain.ts";
import type { Signer } from "./keys/signer.ts";
import { signatureInput, signedRecord } from "./record.ts";
import { actionsOf, type ChainPoint, chainedRecords } from "./stored.ts";

export interface SignedRecord {
  number: number;
  record: ExternalActionAuditRecord;
  detail?: AdminChangeDetail;
}

export interface SignedActions {
  records: SignedRecord[];
  /** What is wrong with them; then only what is stored is told, and nothing is signed. */
  flaw?: string;
}

/**
 * The records of one commit as they are on the wire. The commit signed the last one, whose chain vouches for the others;
 * these get a signature of their own here, by the present key, once that has been seen to be so.
 */
export async function signActions(
  event: StoredEvent,
  before: ChainPoint,
  signer: Signer,
  keys: KnownKeys,
): Promise<SignedActions> {
  const { key_id: keyId, signature } = actionsOf(event);
  const flaw = await flawOf(event, before, keys);
  const chained = chainedRecords(event, before);
  const records = await Promise.all(
    chained.map(async ({ number, record, hash, detail }, index): Promise<SignedRecord> => {
      const isSigned = index === chained.length - 1;
      const by = isSigned ? keyId : signer.keyId;
      const own = isSigned
        ? signature
        : flaw === undefined
          ? await signer.sign(signatureInput(record, hash, by))
          : "";
      const told = signedRecord(record, hash, by, own);
      return detail === undefined ? { number, record: told } : { number, record: told, detail };
    }),
  );
  return flaw === undefined ? { records } : { records, flaw };
}

async function flawOf(event: StoredEvent, before: ChainPoint, keys: KnownKeys): Promise<string | undefined> {
  const flaw = flawOfHashes(event, before, keys);
  if (flaw !== undefined) return flaw;
  const { key_id: keyId, signature } = actionsOf(event);
  const { number, record, hash } = lastOf(event, before);
  const valid = await keys.verifier.isValidSoon(signatureInput(record, hash, keyId), keyId, signature);
  return valid ? undefined : `the signature of record ${number} is wrong`;
}
