import type { Committed, Op, Refused } from "../store.ts";
import { checkSums } from "../sums.ts";
import { encodeEvent, type Journal } from "./journal.ts";
import type { Leases } from "./leases.ts";
import type { Queue } from "./queue.ts";
import { encodeKeys, encodeRecord, type Records } from "./records.ts";

export interface Primitives {
  journal: Journal;
  records: Records;
  queue: Queue;
  leases: Leases;
}

/**
 * One operation, ready to run inside a transaction: it writes and leaves its answer, or says why it is refused.
 * Whatever can fail on a value (encoding, a time that is no integer) has failed before, in front of its caller.
 */
export type Step = (into: Committed) => Refused["reason"] | undefined;

export function prepareStep(op: Op, index: number, { journal, records, queue, leases }: Primitives): Step {
  switch (op.op) {
    case "append": {
      const events = op.events.map((event) => encodeEvent({ ...event, atMs: millis(event.atMs) }));
      return (into) => {
        const appended = journal.append(op.stream, events, op.expectedSeq);
        if (appended === undefined) return "stale_seq";
        into.appended[index] = appended;
      };
    }
    case "put": {
      const record = encodeRecord(op);
      return (into) => {
        const revision = records.put(record, op.expectedRevision);
        if (revision === undefined) return "stale_revision";
        into.revisions[index] = revision;
      };
    }
    case "delete":
      return () => (records.delete(op.kind, op.id, op.expectedRevision) ? undefined : "stale_revision");
    case "check":
      return () => (records.revision(op.kind, op.id) === op.revision ? undefined : "stale_revision");
    case "add": {
      checkSums(op.amounts, op.atMost);
      const keys = encodeKeys(op.keys);
      return (into) => {
        const revision = records.add({ kind: op.kind, id: op.id, keys }, op.amounts, op.atMost);
        if (revision === undefined) return "over_limit";
        into.revisions[index] = revision;
      };
    }
    case "enqueue": {
      const payload = JSON.stringify(op.payload);
      const dueAtMs = millis(op.dueAtMs);
      return () => {
        queue.enqueue(op.queue, op.key, dueAtMs, payload);
      };
    }
    case "claim": {
      millis(op.nowMs + op.leaseMs);
      return (into) => {
        into.claimed[index] = queue.claim(op);
      };
    }
    case "claim-item": {
      millis(op.nowMs + op.leaseMs);
      return (into) => {
        into.claimed[index] = queue.claimItem(op);
      };
    }
    case "check-claim":
      return () => (queue.isClaimed(op) ? undefined : "stale_claim");
    case "complete":
      return () => (queue.complete(op.queue, op.key, op.token) ? undefined : "stale_claim");
    case "retry": {
      millis(op.dueAtMs);
      return () => (queue.retry(op) ? undefined : "stale_claim");
    }
    case "bury":
      return () => (queue.bury(op.queue, op.key, op.token, op.error) ? undefined : "stale_claim");
    case "acquire-lease": {
      millis(op.nowMs + op.leaseMs);
      return (into) => {
        const lease = leases.acquire(op);
        if (lease === undefined) return "lease_held";
        into.leases[index] = lease;
      };
    }
    case "release-lease":
      return () => (leases.release(op.name, op.token) ? undefined : "stale_fence");
    case "renew-owner": {
      millis(op.nowMs + op.leaseMs);
      return () => {
        leases.renewOwner(op.owner, op.nowMs, op.leaseMs);
        queue.renewOwner(op.owner, op.nowMs, op.leaseMs);
      };
    }
    case "release-owner":
      return () => {
        leases.releaseOwner(op.owner);
        queue.releaseOwner(op.owner);
      };
    case "release-lost":
      return () => {
        queue.releaseLost(op);
      };
    case "hasten": {
      millis(op.laterThanMs);
      millis(op.dueAtMs);
      return () => {
        queue.hasten(op);
      };
    }
  }
}

function millis(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a whole number of milliseconds: ${value}`);
  return value;
}
