import type { AdminChangeDetail, ExternalActionAuditRecord } from "@kheish/contract";
import type { StoredEvent } from "../../kernel/store.ts";
import { flawOfActions } from "./chain.ts";
import type { Signer } from "./keys/signer.ts";
import { signatureInput, signedRecord } from "./record.ts";
import { type ChainPoint, chainedRecords } from "./stored.ts";

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
 * The records of one commit as they are on the wire, each signed by the present key, once they have been seen to
 * continue the chain (02-R77). That the chain is the one that was written, the anchors say.
 */
export async function signActions(
  event: StoredEvent,
  before: ChainPoint,
  signer: Signer,
): Promise<SignedActions> {
  const flaw = flawOfActions(event, before);
  const { keyId } = signer;
  const records = await Promise.all(
    chainedRecords(event, before).map(async ({ number, record, hash, detail }): Promise<SignedRecord> => {
      const signature = flaw === undefined ? await signer.sign(signatureInput(record, hash, keyId)) : "";
      const told = signedRecord(record, hash, keyId, signature);
      return detail === undefined ? { number, record: told } : { number, record: told, detail };
    }),
  );
  return flaw === undefined ? { records } : { records, flaw };
}
