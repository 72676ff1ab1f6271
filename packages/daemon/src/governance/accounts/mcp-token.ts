import { accountOf, isSameResource, type McpOAuthAccount } from "@kheish/contract";
import type { AccountToken, TokenNeed } from "../../tools/mcp/index.ts";
import type { Vault } from "../secrets/vault.ts";
import type { Accounts } from "./accounts.ts";

/**
 * The token of an MCP account that is good now, refreshed if that is due (02-R57). It is asked for anew at each use; who
 * may use it at all is the broker's to say.
 */
export async function mcpToken(vault: Vault, accounts: Accounts, need: TokenNeed): Promise<AccountToken> {
  const { slot_id } = need;
  const slot = await vault.open(slot_id);
  if (slot === undefined) return refused("missing", `auth slot '${slot_id}' does not exist`);
  if (slot.status.disabled === true) return refused("revoked", `auth slot '${slot_id}' is disabled`, false);
  const present = accountOf(slot.record.state);
  if (present?.kind !== "mcp_o_auth_account")
    return refused("missing", `auth slot '${slot_id}' holds no MCP account`);
  const gap = uncovered(present, need);
  if (gap !== undefined) return refused("revoked", `the account in auth slot '${slot_id}' is ${gap}`);
  const fresh = await accounts.fresh(slot);
  if (!fresh.ok) {
    const { code, message } = fresh;
    return refused(code === "slot_missing" ? "missing" : "revoked", message, code !== "unavailable");
  }
  const account = accountOf(fresh.slot.record.state);
  if (account?.kind !== "mcp_o_auth_account")
    return refused("missing", `auth slot '${slot_id}' holds no MCP account`);
  const { access_token: value, scopes } = account;
  return { ok: true, value, scopes, replacement: () => accounts.replaces(slot_id, value) };
}

/** What of the need the account is not for; undefined when it is for all of it. */
function uncovered(account: McpOAuthAccount, { server, resource, scopes }: TokenNeed): string | undefined {
  if (account.server_name !== server) return `of server '${account.server_name}'`;
  if (!isSameResource(account.resource, resource)) return `for ${account.resource}, not for ${resource}`;
  const lacking = scopes.filter((scope) => !account.scopes.includes(scope));
  return lacking.length === 0 ? undefined : `without the scopes ${lacking.join(", ")}`;
}

function refused(reason: "missing" | "revoked", message: string, needsLogin = true): AccountToken {
  return { ok: false, reason, message, needsLogin };
}
