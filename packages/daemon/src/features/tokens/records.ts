import type { TokenView, Verb } from "@kheish/contract";
import type { NewEvent, StoredRecord } from "../../kernel/store.ts";

/** A live token; a revoked one has no record. */
export const TOKEN_KIND = "access_token";
/** Makes a name unique: its record's id is the name. */
export const NAME_KIND = "access_token_name";
/** When a token was last seen, apart from it, so that its use never disturbs a guard on it. */
export const USE_KIND = "access_token_use";
/** Who created and revoked which token; every daemon on the store follows it. */
export const TOKENS_STREAM = "access_tokens";

export type TokenRecord = {
  token_id: string;
  name: string;
  verbs: Verb[];
  resources: string[];
  /** Hex SHA-256 of the whole token. */
  secret_sha256: string;
  created_at_ms: number;
  created_by: string;
  /** The named token that created it, with which it is revoked. */
  parent_token_id?: string;
  expires_at_ms?: number;
};
export type TokenUse = { last_used_at_ms: number };
export type KeptToken = StoredRecord<TokenRecord>;

export function tokenView(token: TokenRecord, use: TokenUse | undefined): TokenView {
  const { secret_sha256: _digest, parent_token_id: _parent, ...shown } = token;
  return { ...shown, ...use };
}

export function createdEvent(token: TokenRecord, requestId: string): NewEvent {
  const { token_id, name, verbs, resources, created_by, expires_at_ms } = token;
  return {
    type: "token_created",
    atMs: token.created_at_ms,
    data: {
      ...{ token_id, name, verbs, resources, created_by },
      ...(expires_at_ms === undefined ? {} : { expires_at_ms }),
      request_id: requestId,
    },
  };
}

export function revokedEvent(
  token: TokenRecord,
  by: { principal: string; requestId: string },
  atMs: number,
): NewEvent {
  const { token_id, name } = token;
  return {
    type: "token_revoked",
    atMs,
    data: { token_id, name, revoked_by: by.principal, request_id: by.requestId },
  };
}
