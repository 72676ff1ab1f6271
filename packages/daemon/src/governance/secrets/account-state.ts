import type { AccountState, AuthMode, JsonObject } from "@kheish/contract";

/** Ahead of its end a token is refreshed by whoever uses it (02-R57). */
export const REFRESH_AHEAD_MS = 5 * 60_000;

/** How the last refresh ended, as `last_refresh_outcome` says it; `failed:<class>` is any other. */
export const REFRESHED = "ok";
/** The provider does not know the refresh token any more. */
export const LOGIN_REQUIRED = "login_required";
/** The provider granted what nobody had approved (02-R58). */
export const SCOPE_REFUSED = "scope_refused";

/** Nothing but a new login, or an operator who forces a refresh, helps. */
export function isFinal(outcome: string | undefined): boolean {
  return outcome === LOGIN_REQUIRED || outcome === SCOPE_REFUSED;
}

/** What is known of an account's token, from what operators may see of it (02-R40); undefined for other slots. */
export function accountStateOf(
  mode: AuthMode,
  details: JsonObject | undefined,
  nowMs: number,
): AccountState | undefined {
  if (mode !== "oauth_account") return undefined;
  const { expires_at_ms, last_refresh_outcome, refreshable } = details ?? {};
  const outcome = typeof last_refresh_outcome === "string" ? last_refresh_outcome : undefined;
  const leftMs = typeof expires_at_ms === "number" ? expires_at_ms - nowMs : undefined;
  const isOver = leftMs !== undefined && leftMs <= 0;
  if (isFinal(outcome)) return leftMs === undefined || isOver ? "login_required" : "refresh_failed";
  if (isOver && refreshable === false) return "login_required";
  if (outcome !== undefined && outcome !== REFRESHED) return isOver ? "expired" : "refresh_failed";
  return leftMs !== undefined && leftMs <= REFRESH_AHEAD_MS ? "expiring" : "ready";
}
