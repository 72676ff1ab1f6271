import { createHash } from "node:crypto";
import { type Json, problem } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { digest } from "../ledger.ts";
import { type IdempotencyRecord, read } from "../records.ts";
import type { SessionChange } from "../session-change.ts";

const MAX_KEY_BYTES = 256;

/**
 * One key from header or body (01-R27): trimmed, non-empty, at most 256 bytes, no control characters;
 * both present must agree.
 */
export function idempotencyKeyOf(header: string | undefined, body: string | undefined): string | undefined {
  const keys = [header, body].flatMap((key) => (key === undefined ? [] : [validKey(key)]));
  if (keys.length === 2 && keys[0] !== keys[1]) {
    throw problem(
      "idempotency",
      "invalid_idempotency_key",
      "the Idempotency-Key header and the body's idempotency_key differ; send one of them",
    );
  }
  return keys[0];
}

function validKey(raw: string): string {
  const key = raw.trim();
  const invalid = (why: string) =>
    problem("idempotency", "invalid_idempotency_key", `the idempotency key ${why}`);
  if (key === "") throw invalid("is empty");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw invalid(`is longer than ${MAX_KEY_BYTES} bytes`);
  if (/\p{Cc}/u.test(key)) throw invalid("contains control characters");
  return key;
}

/** What a key stands for: who asked for what. Only digests are stored (01-R28). */
export interface IdempotentRequest {
  /** Keys of different verbs never meet (01-R31). */
  space: "run" | "input" | "session" | "approvals" | "question" | "question_cancel";
  /** The session or run whose keys these are. */
  scope: string;
  key: string;
  /** An explicit, versioned field list: a field that a later release adds does not change old fingerprints. */
  request: object;
}

export interface Receipt {
  id: string;
  fingerprint: string;
}

export function receiptOf(request: IdempotentRequest): Receipt {
  const keyHash = createHash("sha256").update(request.key).digest("hex");
  return {
    id: `${request.space}/${request.scope}/${keyHash}`,
    fingerprint: digest(["v1", request.space, request.scope, plain(request.request)]),
  };
}

/** Without members that are undefined, which JSON has no word for. */
function plain(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** The first call's record, when this is a repetition; 409 when the key was used for something else (01-R28). */
export async function earlier(
  store: Store,
  receipt: Receipt | undefined,
): Promise<IdempotencyRecord | undefined> {
  if (receipt === undefined) return undefined;
  const found = await read(store, "idempotency", receipt.id);
  if (found === undefined) return undefined;
  if (found.data.fingerprint !== receipt.fingerprint) {
    throw problem(
      "idempotency",
      "idempotency_conflict",
      "this idempotency key was already used for a different request; use a new key",
    );
  }
  return found.data;
}

/** Remembers the key in the same commit as what it made (01-R30). Of two racing calls one is refused and reads again. */
export function remember(
  change: SessionChange,
  receipt: Receipt | undefined,
  made: { run_id?: string; session_id?: string },
): void {
  if (receipt === undefined) return;
  change.put(
    "idempotency",
    receipt.id,
    { fingerprint: receipt.fingerprint, created_at_ms: change.now, ...made },
    0,
  );
}
