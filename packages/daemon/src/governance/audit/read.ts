import type { ExternalActionAuditRecord } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { AuditDamage, flawOfCheckpoint, type KnownKeys } from "./chain.ts";
import type { Signer } from "./keys/signer.ts";
import { signActions } from "./signed.ts";
import { BUCKET_KIND, bucketStream, type ChainPoint, checkpointOf, pointAfter } from "./stored.ts";

export interface ReadPorts {
  store: Store;
  signer: Signer;
  keys: KnownKeys;
}

const PAGE = 500;

/** A bucket's records from the first on, each verified (02-R79). Throws `AuditDamage`; never a part of them. */
export async function readBucket(ports: ReadPorts, bucket: string): Promise<ExternalActionAuditRecord[]> {
  const { store, signer, keys } = ports;
  const found: ExternalActionAuditRecord[] = [];
  let point: ChainPoint = { count: 0 };
  let afterSeq = 0;
  for (;;) {
    const page = await store.readStream(bucketStream(bucket), { afterSeq, limit: PAGE });
    for (const event of page) {
      const flaw =
        event.type === "checkpoint"
          ? flawOfCheckpoint(bucket, checkpointOf(event), point, keys)
          : await addActions(event, point);
      if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
      point = pointAfter(event);
      afterSeq = event.seq;
    }
    if (page.length < PAGE) break;
  }
  if (afterSeq === 0 && (await store.get(BUCKET_KIND, bucket)) !== undefined)
    throw new AuditDamage(bucket, "it was written to, and its records are gone");
  return found;

  async function addActions(event: Parameters<typeof signActions>[0], before: ChainPoint) {
    const { records, flaw } = await signActions(event, before, signer, keys);
    found.push(...records.map(({ record }) => record));
    return flaw;
  }
}
