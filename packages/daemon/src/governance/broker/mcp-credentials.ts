import { createHash } from "node:crypto";
import type { SlotState } from "@kheish/contract";
import { isMcpServerAllowed } from "../../engine/index.ts";
import type { McpCredentialPort, Secret } from "../../tools/mcp/index.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { mcpToken } from "../accounts/mcp-token.ts";
import type { Credentials } from "../credentials.ts";
import type { OpenSlot } from "../secrets/vault.ts";
import { sessionSubject } from "./broker.ts";

/**
 * How MCP servers reach the vault: secrets for a connection, and for each call whether the session that makes it may
 * use them (02-R64, 03-R64). An OAuth account is refreshed when that is due.
 */
export function mcpCredentials({ vault, broker }: Credentials, accounts: Accounts): McpCredentialPort {
  const open = async (
    slotId: string,
  ): Promise<{ ok: true; slot: OpenSlot } | Extract<Secret, { ok: false }>> => {
    const slot = await vault.open(slotId);
    if (slot === undefined) return missing(slotId);
    if (slot.status.disabled === true)
      return { ok: false, reason: "revoked", message: `the secret slot '${slotId}' is disabled` };
    return { ok: true, slot };
  };
  return {
    async secret(slotId) {
      const opened = await open(slotId);
      if (!opened.ok) return opened;
      const value = opaqueIn(opened.slot.record.state);
      return value === undefined ? wrongKind(slotId, "no opaque secret") : { ok: true, value };
    },
    accessTokenFor: (need) => mcpToken(vault, accounts, need),
    async refusal(server, slotIds, scopes, acting) {
      if (acting === "operator") {
        for (const slotId of slotIds) {
          const opened = await open(slotId);
          if (!opened.ok) return opened.message;
        }
        return undefined;
      }
      const { session_id, scope } = acting;
      if (scope !== undefined && !isMcpServerAllowed(scope, server))
        return `the session's credential scope does not allow MCP server '${server}'`;
      const scopes_hash = createHash("sha256").update(scopes.join(" ")).digest("hex");
      for (const slot_id of slotIds) {
        const audience = { type: "mcp_server" as const, server, slot_id, scopes_hash };
        const leased = await broker.lease({ subject_id: sessionSubject(session_id), audience, scope });
        if (!leased.ok) return `MCP server '${server}': ${leased.message}`;
      }
      return undefined;
    },
    onChange: (listener) =>
      vault.onChange((slotId, event) =>
        listener(slotId, event === "deleted" || event === "disabled" ? "unusable" : "usable"),
      ),
  };
}

function opaqueIn(state: SlotState): string | undefined {
  return "kind" in state ? undefined : state.value;
}

function missing(slotId: string): Extract<Secret, { ok: false }> {
  return { ok: false, reason: "missing", message: `there is no secret slot '${slotId}'` };
}

function wrongKind(slotId: string, what: string): Extract<Secret, { ok: false }> {
  return { ok: false, reason: "missing", message: `the secret slot '${slotId}' holds ${what}` };
}
