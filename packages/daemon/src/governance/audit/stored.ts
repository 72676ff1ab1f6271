import type { AdminChangeDetail, AuditCheckpoint, Json } from "@kheish/contract";
import type { ExternalAction } from "../../engine/audit-port.ts";
import type { NewEvent, StoredEvent } from "../../kernel/store.ts";
import { recordHash, type UnsignedRecord } from "./record.ts";
import {
  type ActionScope,
  actionsIn,
  endOf,
  rowsOf,
  SCOPE,
  type StoredAction,
  type StoredActions,
} from "./rows.ts";

/**
 * How the journal keeps a bucket: the stream `audit/<bucket>`, one event a commit and scope, with what its records have
 * in common said once. A commit chains its records and signs none: the next anchor signs where the chain then ends, and
 * so speaks for all before it.
 */
export const BUCKET_STREAM_PREFIX = "audit/";
/** The record of each bucket's existence, which lists them. */
export const BUCKET_KIND = "audit_bucket";

export function bucketStream(bucket: string): string {
  return `${BUCKET_STREAM_PREFIX}${bucket}`;
}

/** How far a chain has come. */
export interface ChainPoint {
  count: number;
  /** Absent before the first record. */
  hash?: string;
}

export function scopeOf(action: ExternalAction): ActionScope {
  const scope: ActionScope = {};
  for (const name of SCOPE) {
    const value = action[name];
    if (value !== undefined) scope[name] = value;
  }
  return scope;
}

/** Chains actions of one scope to a bucket. Answers them as they are stored, and the hash that the next one names. */
export function chainActions(
  point: ChainPoint,
  scope: ActionScope,
  actions: readonly ExternalAction[],
  atMs: number,
): { records: StoredAction[]; hash: string } {
  let hash = point.hash;
  const records = actions.map((action): StoredAction => {
    const kept = withoutScope(action);
    hash = recordHash(unsigned(scope, kept, atMs, hash));
    return { ...kept, hash };
  });
  if (hash === undefined) throw new Error("no actions to chain");
  return { records, hash };
}

function withoutScope(action: ExternalAction): Omit<StoredAction, "hash"> {
  const {
    session_id,
    agent_id,
    run_id,
    principal_id,
    parent_principal_id,
    grant_id,
    begins,
    withdraws,
    ...rest
  } = action;
  return rest;
}

function unsigned(
  scope: ActionScope,
  action: Omit<StoredAction, "hash">,
  atMs: number,
  prevHash: string | undefined,
): UnsignedRecord {
  return {
    timestamp_ms: atMs,
    ...scope,
    ...(action.tool_call_id === undefined ? {} : { tool_call_id: action.tool_call_id }),
    phase: action.phase,
    kind: action.kind,
    target: action.target,
    ...(action.request_digest === undefined ? {} : { request_digest: action.request_digest }),
    ...(action.response_digest === undefined ? {} : { response_digest: action.response_digest }),
    ...(action.outcome === undefined ? {} : { outcome: action.outcome }),
    ...(prevHash === undefined ? {} : { prev_hash: prevHash }),
  };
}

/** A record as it was, built on the hash that is stored before it: what was changed shows where it was changed. */
export interface ChainedRecord {
  number: number;
  record: UnsignedRecord;
  hash: string;
  detail?: AdminChangeDetail;
}

export function chainedRecords(event: StoredEvent, before: ChainPoint): ChainedRecord[] {
  const { first, scope, records } = actionsOf(event);
  let prev = before.hash;
  return records.map((stored, index) => {
    const record = unsigned(scope, stored, event.atMs, prev);
    prev = stored.hash;
    return {
      number: first + index,
      record,
      hash: stored.hash,
      ...(stored.detail === undefined ? {} : { detail: stored.detail }),
    };
  });
}

export function actionsEvent(atMs: number, data: StoredActions): NewEvent {
  return { type: "actions", atMs, data: rowsOf(data) };
}
export function checkpointEvent(atMs: number, checkpoint: AuditCheckpoint): NewEvent {
  return { type: "checkpoint", atMs, data: checkpoint as unknown as Json };
}

/** The writer was `actionsEvent`; what somebody made of it in the store shows when the chain is checked. */
export function actionsOf(event: StoredEvent): StoredActions {
  return actionsIn(event.data);
}
export function checkpointOf(event: StoredEvent): AuditCheckpoint {
  return event.data as unknown as AuditCheckpoint;
}

/** Where a bucket stands after an event of its stream. */
export function pointAfter(event: StoredEvent): Required<ChainPoint> {
  if (event.type === "checkpoint") {
    const { record_count, last_record_hash } = checkpointOf(event);
    return { count: record_count, hash: last_record_hash ?? "" };
  }
  return endOf(event.data);
}
