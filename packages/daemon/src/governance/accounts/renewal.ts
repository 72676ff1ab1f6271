import type { OAuthAccount } from "@kheish/contract";
import {
  isFinal,
  LOGIN_REQUIRED,
  REFRESH_AHEAD_MS,
  REFRESHED,
  SCOPE_REFUSED,
} from "../secrets/account-state.ts";
import { type TokenAnswer, type Tokens, unapproved } from "./token-endpoint.ts";

/** Between two refreshes of one slot that somebody forces (02-R57). */
const FORCED_PAUSE_MS = 5_000;
/** Between two that a call needs: where the first one failed, the call's own next attempt may ask again. */
const USE_PAUSE_MS = 1_000;
/** Of a provider that does not say how long its token is good, where the slot has to say it. */
const ASSUMED_LIFETIME_MS = 3_600_000;

/** Why somebody wants a refresh. */
export type Why =
  /** A call is about to use the token. */
  | { kind: "use" }
  /** An operator says so; `actor` as the control plane knows them. */
  | { kind: "forced"; actor: string }
  /** A provider has refused this access token. */
  | { kind: "rejected"; access_token: string };

/** Whether a refresh is to be tried now. */
export function isWanted(account: OAuthAccount, why: Why, nowMs: number): boolean {
  if (account.refresh_token === undefined) return false;
  const sinceMs = nowMs - (account.last_refresh_at_ms ?? Number.NEGATIVE_INFINITY);
  // A last refresh in the future is one of a clock that was wrong.
  const pauseMs = why.kind === "use" ? USE_PAUSE_MS : FORCED_PAUSE_MS;
  if (sinceMs >= 0 && sinceMs < pauseMs) return false;
  if (why.kind === "forced") return true;
  if (isFinal(account.last_refresh_outcome)) return false;
  return why.kind === "rejected" ? account.access_token === why.access_token : isDue(account, nowMs);
}

/** 02-R57. A token that lives shorter than ten minutes is refreshed in the second half of its life. */
function isDue(account: OAuthAccount, nowMs: number): boolean {
  if (account.access_token === undefined) return true;
  const expiresAt = expiryOf(account);
  if (expiresAt === undefined) return false;
  const lifetime = expiresAt - (account.last_refresh_at_ms ?? Number.NEGATIVE_INFINITY);
  const ahead =
    account.last_refresh_outcome === REFRESHED ? Math.min(REFRESH_AHEAD_MS, lifetime / 2) : REFRESH_AHEAD_MS;
  return expiresAt - nowMs <= ahead;
}

/** The access token, if it may be good now. */
export function usableToken(account: OAuthAccount, nowMs: number): string | undefined {
  const expiresAt = expiryOf(account);
  return expiresAt !== undefined && expiresAt <= nowMs ? undefined : account.access_token;
}

function expiryOf(account: OAuthAccount): number | undefined {
  return account.kind === "codex_account" ? undefined : account.expires_at_ms;
}

/** The account after its provider has answered. */
export function renewed(account: OAuthAccount, answer: TokenAnswer, why: Why, nowMs: number): OAuthAccount {
  const at = { last_refresh_at_ms: nowMs };
  if (answer.kind === "failed") return { ...account, ...at, last_refresh_outcome: `failed:${answer.why}` };
  if (answer.kind === "rejected") {
    return { ...withoutRejected(account, why, nowMs), ...at, last_refresh_outcome: LOGIN_REQUIRED };
  }
  const { tokens } = answer;
  if (unapproved(tokens.scopes, scopesOf(account)).length > 0)
    return { ...account, ...at, last_refresh_outcome: SCOPE_REFUSED };
  return { ...withTokens(account, tokens, nowMs), ...at, last_refresh_outcome: REFRESHED };
}

function scopesOf(account: OAuthAccount): readonly string[] {
  return account.kind === "codex_account" ? [] : account.scopes;
}

function withTokens(account: OAuthAccount, tokens: Tokens, nowMs: number): OAuthAccount {
  const { access_token, refresh_token, expires_at_ms, scopes } = tokens;
  const rotated = { access_token, ...(refresh_token === undefined ? {} : { refresh_token }) };
  const granted = scopes === undefined ? {} : { scopes };
  switch (account.kind) {
    case "codex_account":
      return { ...account, ...rotated };
    case "claude_code_account":
      return {
        ...account,
        ...rotated,
        ...granted,
        expires_at_ms: expires_at_ms ?? nowMs + ASSUMED_LIFETIME_MS,
      };
    case "mcp_o_auth_account":
      return { ...account, ...rotated, ...granted, expires_at_ms };
  }
}

/** Nothing is left of an account whose access token was refused and whose refresh token is refused too. */
function withoutRejected(account: OAuthAccount, why: Why, nowMs: number): OAuthAccount {
  if (why.kind !== "rejected" || account.kind === "codex_account") return account;
  return { ...account, expires_at_ms: Math.min(account.expires_at_ms ?? nowMs, nowMs) };
}
