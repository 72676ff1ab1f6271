import type { ExternalActionAuditRecord } from "@kheish/contract";
import type { Store, StoredEvent } from "../../kernel/store.ts";
import { AuditDamage, flawOfCheckpoint } from "./chain.ts";
import { type AnchorPorts, signedCount } from "./cover.ts";
import type { Signer } from "./keys/signer.ts";
import { signActions } from "./signed.ts";
import { BUCKET_KIND, bucketStream, type ChainPoint, checkpointOf, pointAfter } from "./stored.ts";

export interface ReadPorts extends AnchorPorts {
  signer: Signer;
}

export interface ReadBucket {
  records: ExternalActionAuditRecord[];
  /** How many of them, the last ones, are chained and not yet signed for by an anchor. */
  unsignedCount: number;
}

const PAGE = 500;

/** A bucket's records from the first on, each verified (02-R79). Throws `AuditDamage`; never a part of them. */
export async function readBucket(ports: ReadPorts, bucket: string): Promise<ReadBucket> {
  const { store, signer, keys, lastAnchor } = ports;
  // Before the events: somebody may begin the bucket at this very time.
  const [anchor, known] = await Promise.all([lastAnchor(), store.get(BUCKET_KIND, bucket)]);
  const events = await eventsOf(store, bucket);
  if (events.length === 0 && known !== undefined)
    throw new AuditDamage(bucket, "it was written to, and its records are gone");
  let point: ChainPoint = { count: 0 };
  const points = events.map((event) => {
    const before = point;
    point = pointAfter(event);
    return before;
  });
  // What is told below is of one chain, whose end was signed: nothing is signed that was not written.
  const signed = await signedCount(ports, bucket, events, anchor);
  const records: ExternalActionAuditRecord[] = [];
  for (const [index, event] of events.entries()) {
    const before = points[index] ?? { count: 0 };
    const actions = event.type === "checkpoint" ? undefined : await signActions(event, before, signer);
    const flaw =
      actions === undefined ? flawOfCheckpoint(bucket, checkpointOf(event), before, keys) : actions.flaw;
    if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
    records.push(...(actions?.records.map(({ record }) => record) ?? []));
  }
  return { records, unsignedCount: records.length - signed };
}

async function eventsOf(store: Store, bucket: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const afterSeq = events.at(-1)?.seq ?? 0;
    const page = await store.readStream(bucketStream(bucket), { afterSeq, limit: PAGE });
    events.push(...page);
    if (page.length < PAGE) return events;
  }
}
