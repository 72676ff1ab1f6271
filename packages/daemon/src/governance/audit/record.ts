import { hash } from "node:crypto";
import type { ExternalActionAuditRecord } from "@kheish/contract";

export const SIGNATURE_ALG = "ed25519";

/** What a record says, before it is hashed and signed. Absent members are unknown, not empty. */
export type UnsignedRecord = Omit<
  ExternalActionAuditRecord,
  "action_id" | "record_hash" | "signature_alg" | "key_id" | "signature"
>;

/** The same members in the same order in both inputs; `grant_id` alone is left out when absent (02-R76). */
function canonicalMembers(record: UnsignedRecord) {
  return {
    timestamp_ms: record.timestamp_ms,
    session_id: record.session_id ?? null,
    agent_id: record.agent_id ?? null,
    run_id: record.run_id ?? null,
    tool_call_id: record.tool_call_id ?? null,
    principal_id: record.principal_id ?? null,
    parent_principal_id: record.parent_principal_id ?? null,
    grant_id: record.grant_id,
    phase: record.phase,
    kind: record.kind,
    target: record.target,
    request_digest: record.request_digest ?? null,
    response_digest: record.response_digest ?? null,
    outcome: record.outcome ?? null,
    prev_hash: record.prev_hash ?? null,
  };
}

/** The bytes that a record's hash is of: compact JSON (02-R76). */
export function hashInput(record: UnsignedRecord): string {
  return JSON.stringify(canonicalMembers(record));
}

export function recordHash(record: UnsignedRecord): string {
  return sha256(hashInput(record));
}

/** The bytes that a record's signature is of (02-R77). */
export function signatureInput(record: UnsignedRecord, recordHash: string, keyId: string): string {
  return JSON.stringify({
    action_id: recordHash,
    signature_alg: SIGNATURE_ALG,
    key_id: keyId,
    record_hash: recordHash,
    ...canonicalMembers(record),
  });
}

/** A record as the wire and the exported file have it: absent members are left out, the order is fixed. */
export function signedRecord(
  record: UnsignedRecord,
  recordHash: string,
  keyId: string,
  signature: string,
): ExternalActionAuditRecord {
  return {
    action_id: recordHash,
    timestamp_ms: record.timestamp_ms,
    ...present("session_id", record.session_id),
    ...present("agent_id", record.agent_id),
    ...present("run_id", record.run_id),
    ...present("tool_call_id", record.tool_call_id),
    ...present("principal_id", record.principal_id),
    ...present("parent_principal_id", record.parent_principal_id),
    ...present("grant_id", record.grant_id),
    phase: record.phase,
    kind: record.kind,
    target: record.target,
    ...present("request_digest", record.request_digest),
    ...present("response_digest", record.response_digest),
    ...present("outcome", record.outcome),
    ...present("prev_hash", record.prev_hash),
    record_hash: recordHash,
    signature_alg: SIGNATURE_ALG,
    key_id: keyId,
    signature,
  };
}

function present<K extends string>(name: K, value: string | undefined): { [N in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [N in K]?: string });
}

/** The chain that a record belongs to (02-R75). */
export function bucketOf(scope: { run_id?: string | undefined; session_id?: string | undefined }): string {
  if (scope.run_id !== undefined) return scope.run_id;
  return scope.session_id === undefined ? "unscoped" : `session-${scope.session_id}`;
}

export function sha256(text: string | Uint8Array): string {
  return hash("sha256", text, "hex");
}
