import {
  type AuthSlotRecord,
  type AuthSlotStatus,
  accountOf,
  problem,
  type RevokedAccount,
} from "@kheish/contract";
import type { Accounts } from "../../governance/accounts/accounts.ts";
import type { Vault } from "../../governance/secrets/index.ts";

/** Slots that hold an account, as operators see and handle them (02, HTTP). No answer ever holds a token. */
export class AccountService {
  readonly #vault: Vault;
  readonly #accounts: Accounts;

  constructor(vault: Vault, accounts: Accounts) {
    this.#vault = vault;
    this.#accounts = accounts;
  }

  async list(): Promise<AuthSlotStatus[]> {
    return (await this.#vault.list()).filter(({ mode }) => mode === "oauth_account");
  }

  async get(slotId: string): Promise<AuthSlotStatus> {
    const found = await this.#vault.get(slotId);
    if (found === undefined) throw notFound(slotId);
    const { status } = found;
    if (status.mode === "oauth_account") return status;
    throw problem(
      "auth",
      "account_not_oauth",
      `slot '${slotId}' holds ${status.summary}, not an account; see it with /v1/runtime/secrets/{ref}`,
    );
  }

  async import(record: AuthSlotRecord, actor: string): Promise<AuthSlotStatus> {
    return (await this.#vault.put(record, { actor })).status;
  }

  /** One forced refresh (02-R57); a refusal of the provider is one of ours too, and stands in the slot. */
  async refresh(slotId: string, actor: string): Promise<AuthSlotStatus> {
    if ((await this.get(slotId)).disabled === true) {
      const detail = `slot '${slotId}' is disabled, and a disabled account is not refreshed; enable it first`;
      throw problem("auth", "account_disabled", detail);
    }
    const slot = await this.#accounts.force(slotId, actor);
    const account = slot && accountOf(slot.record.state);
    if (slot === undefined || account === undefined) throw notFound(slotId);
    const { last_refresh_outcome = "ok", refresh_token } = account;
    if (refresh_token === undefined) {
      throw problem(
        "auth",
        "account_login_required",
        `the account in slot '${slotId}' has no refresh token; log in again`,
      );
    }
    if (last_refresh_outcome === "ok") return slot.status;
    if (last_refresh_outcome.startsWith("failed:")) {
      throw problem(
        "auth",
        "account_refresh_failed",
        `the provider could not be asked (${last_refresh_outcome.slice("failed:".length)}); the account is as it was, try again`,
      );
    }
    throw problem(
      "auth",
      "account_login_required",
      last_refresh_outcome === "scope_refused"
        ? `the provider granted slot '${slotId}' a scope that was never approved; its tokens were thrown away, log in again`
        : `the provider gives the account in slot '${slotId}' no more tokens; log in again`,
    );
  }

  /** The tokens go back to the provider first: what is deleted here cannot be given back any more. */
  async revoke(slotId: string, actor: string, reason?: string): Promise<RevokedAccount> {
    const status = await this.get(slotId);
    const provider_revocation = await this.#accounts.giveBack(slotId);
    const details = { provider_revocation, ...(reason === undefined ? {} : { reason }) };
    if (!(await this.#vault.delete(slotId, { actor }, details))) throw notFound(slotId);
    return { ...status, accepted: true, provider_revocation };
  }
}

function notFound(slotId: string) {
  return problem("auth", "account_not_found", `there is no slot '${slotId}'`);
}
