import { accountOf, isSameResource, type McpOAuthAccount } from "@kheish/contract";
import type { Vault } from "../secrets/vault.ts";
import type { Accounts } from "./accounts.ts";

/** What a token has to be for: the login was for one server, one resource and some scopes (02-R62). */
export interface McpTokenNeed {
  slot_id: string;
  /** The server's name in the configuration. */
  server: string;
  resource: string;
  scopes: readonly string[];
}

export type McpToken =
  | { ok: true; value: string }
  /** `missing`: there is no such account. `revoked`: there is one, and it cannot be used now; the message says why. */
  | { ok: false; reason: "missing" | "revoked"; message: string };

/**
 * The token of an MCP account that is good now, refreshed if that is due (02-R57). It is asked for anew at each use; who
 * may use it at all is the broker's to say.
 */
export async function mcpToken(vault: Vault, accounts: Accounts, need: McpTokenNeed): Promise<McpToken> {
  const { slot_id } = need;
  const slot = await vault.open(slot_id);
  if (slot === undefined) return refused("missing", `auth slot '${slot_id}' does not exist`);
  if (slot.status.disabled === true) return refused("revoked", `auth slot '${slot_id}' is disabled`);
  const present = accountOf(slot.record.state);
  if (present?.kind !== "mcp_o_auth_account")
    return refused("missing", `auth slot '${slot_id}' holds no MCP account`);
  const gap = uncovered(present, need);
  if (gap !== undefined) return refused("revoked", `the account in auth slot '${slot_id}' is ${gap}`);
  const fresh = await accounts.fresh(slot);
  if (!fresh.ok) return refused(fresh.code === "slot_missing" ? "missing" : "revoked", fresh.message);
  const account = accountOf(fresh.slot.record.state);
  return account?.access_token === undefined
    ? refused("missing", `auth slot '${slot_id}' holds no MCP account`)
    : { ok: true, value: account.access_token };
}

/** What of the need the account is not for; undefined when it is for all of it. */
function uncovered(account: McpOAuthAccount, { server, resource, scopes }: McpTokenNeed): string | undefined {
  if (account.server_name !== server) return `of server '${account.server_name}'`;
  if (!isSameResource(account.resource, resource)) return `for ${account.resource}, not for ${resource}`;
  const lacking = scopes.filter((scope) => !account.scopes.includes(scope));
  return lacking.length === 0 ? undefined : `without the scopes ${lacking.join(", ")}`;
}

function refused(reason: "missing" | "revoked", message: string): McpToken {
  return { ok: false, reason, message };
}
