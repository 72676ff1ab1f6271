import { createHash } from "node:crypto";
import { type AuthSlotRecord, accountOf, type SlotState } from "@kheish/contract";

/** So many of its spent refresh tokens a slot knows again: of an hourly refresh, those of the last days. */
const MAX_SPENT = 64;

/** The refresh tokens that a login has spent, with the one that `next` replaces; digests, the latest last. */
export function withSpent(
  spent: readonly string[] = [],
  before: AuthSlotRecord,
  next: AuthSlotRecord,
): string[] {
  const was = accountOf(before.state)?.refresh_token;
  if (was === undefined || was === accountOf(next.state)?.refresh_token) return [...spent];
  return [...spent, digestOf(was)].slice(-MAX_SPENT);
}

/**
 * What is put, with the tokens that the slot holds, where it is an older state of the login in the slot: a request that is
 * repeated because its answer got lost, or a vendor's file that is read again. Its refresh token was spent, and a provider
 * that sees it twice ends the login (02-R57). Undefined where it is nothing of the kind.
 */
export function withNewerTokens(
  put: AuthSlotRecord,
  held: AuthSlotRecord,
  spent: readonly string[],
): AuthSlotRecord | undefined {
  const [older, newer] = [accountOf(put.state), accountOf(held.state)];
  if (older?.refresh_token === undefined || newer === undefined || older.kind !== newer.kind)
    return undefined;
  if (!spent.includes(digestOf(older.refresh_token))) return undefined;
  const { access_token, refresh_token, last_refresh_at_ms, last_refresh_outcome } = newer;
  const expiry = newer.kind === "codex_account" ? {} : { expires_at_ms: newer.expires_at_ms };
  const tokens = { access_token, refresh_token, last_refresh_at_ms, last_refresh_outcome, ...expiry };
  return { ...put, state: { ...older, ...tokens } as SlotState };
}

/** No token can be found from it: tokens are long and random. */
function digestOf(refreshToken: string): string {
  return createHash("sha256").update(refreshToken).digest("base64url").slice(0, 22);
}
