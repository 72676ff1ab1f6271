import type { AuditKey, Json } from "@kheish/contract";
import type { Clock } from "../../../kernel/clock.ts";
import type { Store } from "../../../kernel/store.ts";
import { flawOfKeyRecord, signKeyRecord } from "./key-record.ts";
import { AuditKeyError } from "./parse.ts";
import { type Signer, Verifier } from "./signer.ts";

/** The journal of keys: who may have signed, and who handed over to whom. */
export const KEY_STREAM = "audit-keys";

export interface RingKeys {
  signer: Signer;
  /** The key before, for a rollover that it signs too. */
  previous?: Signer;
  /** The operator says that the key before is lost: a new chain of trust begins. */
  declareBoundary?: boolean;
}

/** The ring as it is stored, checked. Throws `AuditKeyError` when it does not verify. */
export async function readRing(store: Store): Promise<AuditKey[]> {
  const events = await store.readStream(KEY_STREAM);
  const keys = events.map(({ data }) => data as unknown as AuditKey);
  const verifier = new Verifier();
  for (const [index, key] of keys.entries()) {
    const flaw = flawOfKeyRecord(key, keys[index - 1], verifier);
    if (flaw !== undefined) throw new AuditKeyError(`the audit's key ring does not verify: ${flaw}`);
  }
  return keys;
}

/**
 * Makes the daemon's key the ring's current one, or refuses (02-R81): records that an unknown key signed are not
 * simply gone on with.
 */
export async function adoptKey(store: Store, clock: Clock, keys: RingKeys): Promise<AuditKey[]> {
  for (;;) {
    const ring = await readRing(store);
    const last = ring.at(-1);
    const { isCurrent, handOver } = placeOf(keys, last);
    if (isCurrent) return ring;
    const next = await signKeyRecord(last, clock.now(), keys.signer, handOver);
    await store.commit([
      {
        op: "append",
        stream: KEY_STREAM,
        events: [{ type: "key", atMs: next.timestamp_ms, data: next as unknown as Json }],
        expectedSeq: ring.length,
      },
    ]);
  }
}

/** How the daemon's key comes after the ring's last one. Throws `AuditKeyError` when it does not (02-R81). */
export function placeOf(
  { signer, previous, declareBoundary }: RingKeys,
  last: AuditKey | undefined,
): { isCurrent: boolean; handOver?: Signer } {
  if (last === undefined) return { isCurrent: false };
  if (last.key_id === signer.keyId) return { isCurrent: true };
  if (previous?.keyId === last.key_id) return { isCurrent: false, handOver: previous };
  if (declareBoundary !== true) throw unknownKey(last.key_id);
  return { isCurrent: false };
}

function unknownKey(keyId: string): AuditKeyError {
  return new AuditKeyError(
    `the audit in this store is signed by key ${keyId}, and the key given is another one. ` +
      "Give that key (KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY_FILE; daemons on one store share it), " +
      "or give it as KHEISH_EXTERNAL_ACTION_AUDIT_PREVIOUS_KEY_FILE to hand over to the new one, " +
      "or, when it is lost, set KHEISH_EXTERNAL_ACTION_AUDIT_KEY_BOUNDARY=true once",
  );
}
