import type { Store, StoredEvent } from "../../kernel/store.ts";
import { type Anchor, anchorHash, anchorInput } from "./anchor.ts";
import { anchorAt } from "./anchors.ts";
import { AuditDamage, type KnownKeys } from "./chain.ts";
import { SIGNATURE_ALG } from "./record.ts";
import { pointAfter } from "./stored.ts";

/** Where the anchors stand and who may have signed them. */
export interface AnchorPorts {
  store: Store;
  keys: KnownKeys;
  lastAnchor: () => Promise<Anchor | undefined>;
}

/**
 * Compares a chain that was followed with the anchor that signed where it stood, and answers how many of its records
 * are signed for. What was written after the last anchor is chained, and not yet signed; of what is older, an anchor
 * has to know. Throws `AuditDamage`.
 *
 * Anchors are numbered and each covers the journal up to a position, so that the one that covers an event is found by
 * halving: no list of who signed what, which would have to be kept and could be changed. `last` is an anchor that was
 * there before the chain was read: of what it covers, nothing can be missing by chance.
 */
export async function signedCount(
  { store, keys }: AnchorPorts,
  bucket: string,
  followed: readonly StoredEvent[],
  last: Anchor | undefined,
): Promise<number> {
  const covered = followed.findLast(({ position }) => position <= (last?.position ?? 0));
  if (last === undefined || covered === undefined) return 0;
  const anchor = await firstCovering(store, last, covered.position);
  if (anchor === undefined) throw new AuditDamage(bucket, "an anchor that covers it is gone");
  const flaw = flawOfAnchor(anchor, keys) ?? flawOfHead(anchor, bucket, pointAfter(covered));
  if (flaw !== undefined) throw new AuditDamage(bucket, flaw);
  return pointAfter(covered).count;
}

async function firstCovering(store: Store, last: Anchor, position: number): Promise<Anchor | undefined> {
  let low = 1;
  let high = last.number;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const anchor = await anchorAt(store, middle);
    if (anchor === undefined) return undefined;
    if (anchor.position < position) low = middle + 1;
    else high = middle;
  }
  return anchorAt(store, low);
}

/** What is wrong with an anchor by itself. */
export function flawOfAnchor(anchor: Anchor, keys: KnownKeys): string | undefined {
  const { number, anchor_hash: hash, key_id: keyId, signature_alg: algorithm, signature } = anchor;
  if (anchorHash(anchor) !== hash) return `anchor ${number} was changed`;
  if (!keys.has(keyId)) return `anchor ${number} names a key that is not in the ring`;
  const isSigned =
    algorithm === SIGNATURE_ALG && keys.verifier.isValid(anchorInput(hash, keyId), keyId, signature);
  return isSigned ? undefined : `the signature of anchor ${number} is wrong`;
}

function flawOfHead(
  anchor: Anchor,
  bucket: string,
  end: { count: number; hash: string },
): string | undefined {
  const head = anchor.heads.find(([name]) => name === bucket);
  if (head === undefined) return `anchor ${anchor.number}, which covers it, does not know of it`;
  const [, count, hash] = head;
  if (count > end.count)
    return `anchor ${anchor.number} counts ${count} records, there are ${end.count}: it was cut`;
  return count === end.count && hash === end.hash
    ? undefined
    : `record ${end.count} is not the one that anchor ${anchor.number} signed`;
}
