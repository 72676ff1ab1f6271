import type { NewEvent, Op, StoredRecord } from "../../kernel/store.ts";

export const KIND = "browser_session";
/** Who signed in and out; it holds nothing that could be used. */
export const STREAM = "browser_sessions";

/** At rest a session is digests only. */
export type SessionRecord = {
  /** Hex SHA-256 of cookie and key together. */
  proof_sha256: string;
  /** Hex SHA-256 of the token that it stands for: a token that is rotated away ends it. */
  token_sha256: string;
  /** Of a named token. */
  token_id?: string;
  principal: string;
  created_at_ms: number;
  expires_at_ms: number;
};
export type KeptSession = StoredRecord<SessionRecord>;

export function put(id: string, data: SessionRecord): Op {
  const keys = { expires: [data.expires_at_ms] };
  return { op: "put", kind: KIND, id, data, keys, expectedRevision: 0 };
}

export function event(
  type: "browser_session_created" | "browser_session_ended",
  session: { id: string; principal: string },
  requestId: string,
  atMs: number,
): Op {
  const told: NewEvent = {
    type,
    atMs,
    data: { browser_session_id: session.id, principal: session.principal, request_id: requestId },
  };
  return { op: "append", stream: STREAM, events: [told] };
}
