import { type Anchor, anchorHash, anchorInput } from "../../../src/governance/audit/anchor.ts";
import { ANCHOR_STREAM } from "../../../src/governance/audit/anchors.ts";
import { AuditDamage, followChain, type KnownKeys } from "../../../src/governance/audit/chain.ts";
import { Verifier } from "../../../src/governance/audit/keys/signer.ts";
import { actionsOf, BUCKET_STREAM_PREFIX, type ChainPoint } from "../../../src/governance/audit/stored.ts";
import type { StoredEvent } from "../../../src/kernel/store.ts";
import { AUDIT_SIGNER } from "../world/process.ts";
import type { Facts } from "./facts.ts";

const keys: KnownKeys = { verifier: new Verifier(), has: (keyId) => keyId === AUDIT_SIGNER.keyId };

/** Every chain verifies, every call that left has its record, once for each time, and the anchors say so. */
export function checkAudit(
  facts: Facts,
  journal: readonly StoredEvent[],
  violate: (detail: string) => void,
): void {
  const buckets = Map.groupBy(
    journal.filter(({ stream }) => stream.startsWith(BUCKET_STREAM_PREFIX)),
    ({ stream }) => stream.slice(BUCKET_STREAM_PREFIX.length),
  );
  const ends = new Map<string, ChainPoint>();
  for (const [bucket, events] of buckets) {
    try {
      ends.set(bucket, followChain(bucket, { count: 0 }, events, keys));
    } catch (error) {
      if (!(error instanceof AuditDamage)) throw error;
      violate(error.message);
    }
  }
  for (const call of facts.calls.values()) {
    const recorded = requestsOf(buckets.get(call.run) ?? [], call.id);
    if (recorded !== call.dispatches)
      violate(
        `${call.id} (${call.effect ?? "never left"}) left ${call.dispatches} times, recorded are ${recorded}`,
      );
  }
  checkAnchors(journal, ends, violate);
}

function requestsOf(events: readonly StoredEvent[], callId: string): number {
  return events
    .filter(({ type }) => type === "actions")
    .flatMap((event) => actionsOf(event).records)
    .filter(({ tool_call_id: id, phase }) => id === callId && phase === "request").length;
}

/** At rest nothing is left to anchor, and no anchor says more than there is. */
function checkAnchors(
  journal: readonly StoredEvent[],
  ends: ReadonlyMap<string, ChainPoint>,
  violate: (detail: string) => void,
): void {
  const anchored = new Map<string, string>();
  let last: Anchor | undefined;
  for (const { data } of journal.filter(({ stream }) => stream === ANCHOR_STREAM)) {
    const anchor = data as unknown as Anchor;
    const { number, anchor_hash: hash, key_id: keyId, signature } = anchor;
    const follows = number === (last?.number ?? 0) + 1 && anchor.prev_hash === last?.anchor_hash;
    if (
      !follows ||
      anchorHash(anchor) !== hash ||
      !keys.verifier.isValid(anchorInput(hash, keyId), keyId, signature)
    )
      violate(`anchor ${number} does not hold`);
    for (const [bucket, count, head] of anchor.heads) anchored.set(bucket, `${count}:${head}`);
    last = anchor;
  }
  for (const [bucket, { count, hash }] of ends)
    if (anchored.get(bucket) !== `${count}:${hash}`)
      violate(`'${bucket}' ends at ${count}:${hash}, anchored is ${anchored.get(bucket) ?? "nothing"}`);
}
