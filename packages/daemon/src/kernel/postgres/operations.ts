import type { Committed, Refused } from "../store.ts";
import type { EncodedOp } from "./encode.ts";
import type { JournalDraft } from "./journal-draft.ts";
import type { LeasesDraft } from "./leases-draft.ts";
import type { QueueDraft } from "./queue-draft.ts";
import type { RecordsDraft } from "./records-draft.ts";

export interface Drafts {
  readonly leases: LeasesDraft;
  readonly journal: JournalDraft;
  readonly records: RecordsDraft;
  readonly queue: QueueDraft;
}

/** Tells the drafts what the operation will look at. */
export function want(op: EncodedOp, { leases, journal, records, queue }: Drafts): void {
  switch (op.op) {
    case "append":
      journal.want(op.stream);
      return;
    case "put":
    case "delete":
    case "check":
      records.want(op);
      return;
    case "add":
      records.wantData(op);
      return;
    case "enqueue":
    case "check-claim":
    case "complete":
    case "retry":
      queue.want(op);
      return;
    case "claim-item":
      queue.wantNumbered(op);
      return;
    case "bury":
      queue.wantNumbered(op);
      return;
    case "claim":
      queue.wantClaim(op);
      return;
    case "acquire-lease":
    case "release-lease":
      leases.want(op.name);
      return;
    case "renew-owner":
    case "release-owner":
      leases.wantOwner(op.owner);
      queue.wantOwner(op.owner);
      return;
    case "release-lost":
      queue.wantOwner(op.owner);
      return;
    case "hasten":
      queue.wantLate(op);
  }
}

/** Changes the drafts and leaves the answer under `index`, or says why the commit is refused. */
export function perform(
  op: EncodedOp,
  index: number,
  { leases, journal, records, queue }: Drafts,
  into: Committed,
): Refused["reason"] | undefined {
  switch (op.op) {
    case "append": {
      const appended = journal.append(op);
      if (appended === undefined) return "stale_seq";
      into.appended[index] = appended;
      return;
    }
    case "put": {
      const revision = records.put(op);
      if (revision === undefined) return "stale_revision";
      into.revisions[index] = revision;
      return;
    }
    case "delete":
      return records.delete(op, op.expectedRevision) ? undefined : "stale_revision";
    case "check":
      return records.revision(op) === op.revision ? undefined : "stale_revision";
    case "add": {
      const revision = records.add(op);
      if (revision === undefined) return "over_limit";
      into.revisions[index] = revision;
      return;
    }
    case "enqueue":
      queue.enqueue(op);
      return;
    case "claim":
      into.claimed[index] = queue.claim(op);
      return;
    case "claim-item":
      into.claimed[index] = queue.claimItem(op);
      return;
    case "check-claim":
      return queue.isClaimed(op) ? undefined : "stale_claim";
    case "complete":
      return queue.complete(op) ? undefined : "stale_claim";
    case "retry":
      return queue.retry(op) ? undefined : "stale_claim";
    case "bury":
      return queue.bury(op) ? undefined : "stale_claim";
    case "acquire-lease": {
      const lease = leases.acquire(op);
      if (lease === undefined) return "lease_held";
      into.leases[index] = lease;
      return;
    }
    case "release-lease":
      return leases.release(op) ? undefined : "stale_fence";
    case "renew-owner":
      leases.renewOwner(op);
      queue.renewOwner(op);
      return;
    case "release-owner":
      leases.releaseOwner(op.owner);
      queue.releaseOwner(op.owner);
      return;
    case "release-lost":
      queue.releaseLost(op);
      return;
    case "hasten":
      queue.hasten(op);
  }
}
