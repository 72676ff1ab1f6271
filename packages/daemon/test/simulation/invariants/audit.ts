import type { Json } from "@kheish/contract";
import { RULE_STREAM, sessionOfStream } from "../../../src/engine/index.ts";
import { TOKENS_STREAM } from "../../../src/features/tokens/records.ts";
import { type Anchor, anchorHash, anchorInput } from "../../../src/governance/audit/anchor.ts";
import { ANCHOR_STREAM } from "../../../src/governance/audit/anchors.ts";
import { AuditDamage, followChain, type KnownKeys } from "../../../src/governance/audit/chain.ts";
import { Verifier } from "../../../src/governance/audit/keys/signer.ts";
import type { StoredAction } from "../../../src/governance/audit/rows.ts";
import {
  actionsOf,
  BUCKET_STREAM_PREFIX,
  type ChainPoint,
  pointAfter,
} from "../../../src/governance/audit/stored.ts";
import { AUTH_STREAM } from "../../../src/governance/secrets/index.ts";
import type { StoredEvent } from "../../../src/kernel/store.ts";
import { AUDIT_SIGNER, type SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { Facts } from "./facts.ts";

/** A record that is this old and not anchored has been forgotten. */
const LATE_MS = 3_000;

const keys: KnownKeys = { verifier: new Verifier(), has: (keyId) => keyId === AUDIT_SIGNER.keyId };

/** Every chain verifies, every call that left has its record, once for each time, and the anchors say so. */
export function checkAudit(
  facts: Facts,
  journal: readonly StoredEvent[],
  nowMs: number,
  violate: (detail: string) => void,
): void {
  const buckets = Map.groupBy(
    journal.filter(({ stream }) => stream.startsWith(BUCKET_STREAM_PREFIX)),
    ({ stream }) => stream.slice(BUCKET_STREAM_PREFIX.length),
  );
  for (const [bucket, events] of buckets) {
    try {
      followChain(bucket, { count: 0 }, events, keys);
    } catch (error) {
      if (!(error instanceof AuditDamage)) throw error;
      violate(error.message);
    }
  }
  for (const call of facts.calls.values()) {
    const recorded = recordsIn(buckets, call.run).filter(
      ({ tool_call_id: id, phase }) => id === call.id && phase === "request",
    ).length;
    if (recorded !== call.dispatches)
      violate(
        `${call.id} (${call.effect ?? "never left"}) left ${call.dispatches} times, recorded are ${recorded}`,
      );
  }
  checkPeople(journal, buckets, violate);
  checkAnchors(journal, buckets, nowMs, violate);
}

/** Nobody tampers with a simulated ledger: whoever says so is wrong, and refuses what it should record. */
export function watchDamage(world: World, process: SimulatedProcess, message: string, fields: Json): void {
  if (message !== "the external-action audit does not verify") return;
  world.violate("audit", `${process.name} takes the ledger for damaged: ${JSON.stringify(fields)}`);
}

type Buckets = ReadonlyMap<string, readonly StoredEvent[]>;

/** What operators did to slots and subjects, and to runs, is recorded as often as they did it. */
function checkPeople(
  journal: readonly StoredEvent[],
  buckets: Buckets,
  violate: (detail: string) => void,
): void {
  const done = Map.groupBy(journal, changedBy);
  done.delete(undefined);
  for (const [what = "", events] of done) {
    const [bucket = "", target = ""] = what.split(" ");
    const told = recordsIn(buckets, bucket).filter((record) => record.target === target).length;
    if (told !== events.length)
      violate(`'${bucket}' tells ${told} times of ${target}, which was changed ${events.length} times`);
  }
}

/** Bucket and target of what a person did, as `bucket target`; undefined where nobody did anything. */
function changedBy({ stream, type, data }: StoredEvent): string | undefined {
  const { slot_id, subject_id, token_id, run_id, by, reason, rule_id } = data as Record<
    string,
    string | undefined
  >;
  const { rule } = data as { rule?: { rule_id: string } };
  if (stream === RULE_STREAM) return `unscoped permission_rules/${rule_id ?? rule?.rule_id}`;
  if (stream === TOKENS_STREAM) return `unscoped tokens/${token_id}`;
  if (stream === AUTH_STREAM && type === "master_key_changed") return "unscoped secrets/master_key";
  if (stream === AUTH_STREAM && type.startsWith("slot_") && type !== "slot_refreshed")
    return `unscoped secrets/${slot_id}`;
  if (stream === AUTH_STREAM && type.startsWith("subject_")) return `unscoped auth/subjects/${subject_id}`;
  const isStop = (type === "cancelled" || type === "interrupted") && sessionOfStream(stream) !== undefined;
  // Who clears a queue is told once, by the session's bucket.
  return isStop && by !== undefined && reason !== "the queue was cleared" ? `${run_id} run` : undefined;
}

function recordsIn(buckets: Buckets, bucket: string): readonly StoredAction[] {
  return (buckets.get(bucket) ?? [])
    .filter(({ type }) => type === "actions")
    .flatMap((event) => actionsOf(event).records);
}

/**
 * The anchors hold, and the last of them to know of a bucket knows where it stands: at its end, or where it was a moment
 * ago, as a daemon at rest still looks after its MCP server and records that.
 */
function checkAnchors(
  journal: readonly StoredEvent[],
  buckets: Buckets,
  nowMs: number,
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
    for (const [bucket, count, head] of anchor.heads) anchored.set(bucket, textOf({ count, hash: head }));
    last = anchor;
  }
  for (const [bucket, events] of buckets) {
    const due = events.findLastIndex(({ atMs }) => atMs <= nowMs - LATE_MS);
    const places = events.slice(Math.max(due, 0)).map((event) => textOf(pointAfter(event)));
    const known = anchored.get(bucket);
    if (known === undefined ? due !== -1 : !places.includes(known))
      violate(`'${bucket}' stood at ${places[0]}, anchored is ${known ?? "nothing"}`);
  }
}

function textOf({ count, hash }: ChainPoint): string {
  return `${count}:${hash}`;
}
