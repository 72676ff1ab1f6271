import { accountOf, type OAuthAccount, type SlotState } from "@kheish/contract";
import type { Log } from "../../kernel/log.ts";
import type { CredentialAnswer, CredentialPort, CredentialRequest } from "../../model/credential-port.ts";
import { Secret } from "../../model/routes/secret.ts";
import { slotFinding } from "../../model/routes/slot-readiness.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Credentials } from "../credentials.ts";
import { sessionSubject } from "./broker.ts";

/**
 * How model routes reach the vault: each attempt under a route lease of the session that it is for, and with a token that
 * is good now where the slot holds an account (02-R57).
 */
export function routeCredentials(
  { vault, broker }: Credentials,
  accounts: Accounts,
  log: Log,
): CredentialPort {
  const lease = async (request: CredentialRequest): Promise<CredentialAnswer> => {
    const { route_id, driver, slot_id, session_id, run_id, scope } = request;
    const subject_id = sessionSubject(session_id);
    const leased = await broker.lease({ subject_id, audience: { type: "route", route_id, slot_id }, scope });
    if (!leased.ok) return { ok: false, message: `Route '${route_id}': ${leased.message}.` };
    // A slot that was written anew since the run was accepted may hold what belongs to another provider.
    const finding = slotFinding({ route_id, driver }, slot_id, leased.slot.status);
    if (finding !== undefined) return { ok: false, message: finding.message };
    const fresh = await accounts.fresh(leased.slot);
    if (!fresh.ok) {
      return {
        ok: false,
        message: `Route '${route_id}': ${fresh.message}.`,
        retryable: fresh.code === "unavailable",
      };
    }
    const { state } = fresh.slot.record;
    const account = accountOf(state);
    const key = account === undefined ? keyOf(state) : tokenOf(account);
    if (key === undefined) {
      return { ok: false, message: `Route '${route_id}': auth slot '${slot_id}' holds no API key.` };
    }
    const credential = {
      ...key,
      ...(account === undefined
        ? {}
        : { replacement: () => accounts.replaces(slot_id, key.secret.reveal()) }),
      isActive: () => broker.endOf(leased.lease) === undefined,
      answered: () => {
        const end = broker.endOf(leased.lease);
        if (end === undefined || end === "lease_over") return;
        log.warn(
          { run_id, session_id, slot_id, why: end.code },
          "a request was answered after its revocation",
        );
        broker
          .recordLateResult(leased.lease, end.code, { run_id, session_id })
          .catch((error: unknown) =>
            log.error({ run_id, err: String(error) }, "a late result was not recorded"),
          );
      },
    };
    return { ok: true, credential };
  };
  return {
    status: (slotId) => vault.status(slotId),
    lease,
    refresh: async (slotId) => {
      const slot = await vault.open(slotId);
      if (slot !== undefined) await accounts.fresh(slot);
    },
  };
}

function keyOf(state: SlotState) {
  if (!("kind" in state)) return { secret: new Secret(state.value) };
  if (state.kind !== "api_key") return undefined;
  const { api_key, organization, project } = state;
  return {
    secret: new Secret(api_key),
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  };
}

/** An account's token, and where and how it is shown (02-R59). */
function tokenOf(account: OAuthAccount) {
  switch (account.kind) {
    case "codex_account": {
      const { access_token, account_id, api_base_url, organization, project } = account;
      if (access_token === undefined) return undefined;
      return {
        secret: new Secret(access_token),
        base_url: api_base_url,
        account: { kind: account.kind, ...(account_id === undefined ? {} : { account_id }) },
        ...(organization === undefined ? {} : { organization }),
        ...(project === undefined ? {} : { project }),
      };
    }
    case "claude_code_account":
      return { secret: new Secret(account.access_token), account: { kind: account.kind } };
    case "mcp_o_auth_account":
      return undefined;
  }
}
