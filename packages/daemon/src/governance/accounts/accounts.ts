import { type AuthSlotRecord, accountOf, isProblem, type OAuthAccount, problem } from "@kheish/contract";
import { type Clock, sleep } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../kernel/store.ts";
import { isFinal, REFRESHED } from "../secrets/account-state.ts";
import type { OpenSlot, Vault } from "../secrets/vault.ts";
import { isWanted, renewed, usableToken, type Why } from "./renewal.ts";
import { type Fetch, requestTokens, revokeTokens, type TokenAnswer } from "./token-endpoint.ts";

export interface AccountsDeps {
  store: Store;
  vault: Vault;
  clock: Clock;
  fetch: Fetch;
  log: Log;
  /** Of the refresh lease: this daemon, as it holds all its leases. */
  owner: string;
}

/** The slot with a token that may be used now, or why there is none. */
export type FreshSlot =
  | { ok: true; slot: OpenSlot }
  /** `login_required`: only a new login helps. `unavailable`: the next attempt may go better. */
  | { ok: false; code: "slot_missing" | "login_required" | "unavailable"; message: string };

/** Longer than the longest request; after it a daemon that died in the middle has lost its turn. */
const LEASE_MS = 60_000;
/** Between two looks at a refresh that another daemon does. */
const POLL_MS = 200;
/** Between two attempts to write what the store did not take. */
const AGAIN_MS = 1_000;
const MAX_WRITES = 10;
const BY = "daemon";

/**
 * Keeps the tokens of accounts fresh (02-R57).
 *
 * A1 one refresh of a slot at a time, over all daemons on one store: a lease keeps them apart, and who comes second
 *    finds the tokens of the first
 * A2 what a provider answered is written if the slot still holds the refresh token that was spent for it, whatever else
 *    has changed meanwhile; a slot that somebody has written anew stays as they wrote it
 * A3 tokens that the store could not take are kept here, with the lease, until they are written; they are lost with the
 *    process only. Then the spent token is tried again, and where the provider refuses it the slot says `login_required`
 * A4 slots do not wait for each other
 * A5 a lease that this daemon may hold without knowing it is taken again and given up: leases are renewed for as long as
 *    their daemon lives, and the others would wait for as long
 */
export class Accounts {
  readonly #deps: AccountsDeps;
  readonly #underWay = new Map<string, Promise<OpenSlot | undefined>>();
  /** Answers that are not in the store yet, by slot; `spent` is the refresh token they were given for. */
  readonly #unsaved = new Map<string, { spent: string; answer: TokenAnswer }>();
  /** Slots whose lease may be held here for nothing: a commit about it was not answered, or what it was for is gone. */
  readonly #inDoubt = new Set<string>();
  #isHoldingStill = false;

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
  }

  /**
   * From now on nothing is refreshed and nothing given back: in a copy out of a backup, either would end the login of the
   * daemon that was copied.
   */
  holdStill(): void {
    this.#isHoldingStill = true;
  }

  /** The slot as it may be used now; one without an account is as good as it is. */
  async fresh(opened: OpenSlot): Promise<FreshSlot> {
    const account = accountOf(opened.record.state);
    if (account === undefined) return { ok: true, slot: opened };
    const { slot_id } = opened.record;
    if (!isWanted(account, { kind: "use" }, this.#deps.clock.now())) return this.#judged(slot_id, opened);
    return this.#judged(slot_id, await this.#refreshed(slot_id, { kind: "use" }));
  }

  /** One refresh now, at an operator's wish; the slot as it is then. Undefined when it is gone or holds no account. */
  async force(slotId: string, actor: string): Promise<OpenSlot | undefined> {
    if (this.#isHoldingStill) {
      const detail =
        "this store was restored from a backup and holds still: a refresh would end the login of the daemon that it is a copy of";
      throw problem("auth", "account_refresh_failed", detail);
    }
    const slot = await this.#refreshed(slotId, { kind: "forced", actor });
    return slot !== undefined && accountOf(slot.record.state) !== undefined ? slot : undefined;
  }

  /** A provider has refused this access token. `later`: there may be another one, which could not be had now. */
  async replaces(slotId: string, accessToken: string): Promise<"replaced" | "later" | "no"> {
    const slot = await this.#refreshed(slotId, { kind: "rejected", access_token: accessToken });
    const account = slot && accountOf(slot.record.state);
    if (account === undefined) return "no";
    const token = usableToken(account, this.#deps.clock.now());
    if (token !== undefined && token !== accessToken) return "replaced";
    return isPassing(account) ? "later" : "no";
  }

  /** Gives an account's tokens back to its provider, as far as that takes any. */
  async giveBack(slotId: string): Promise<"revoked" | "failed" | "not_offered"> {
    if (this.#isHoldingStill) return "failed";
    const { vault, log } = this.#deps;
    const slot = await vault.open(slotId);
    const account = slot && accountOf(slot.record.state);
    if (account === undefined) return "not_offered";
    const outcome = await revokeTokens(account, this.#deps);
    if (outcome === "failed")
      log.warn({ slot_id: slotId }, "the provider did not take an account's tokens back");
    return outcome;
  }

  #judged(slotId: string, slot: OpenSlot | undefined): FreshSlot {
    const account = slot && accountOf(slot.record.state);
    if (slot === undefined) {
      return { ok: false, code: "slot_missing", message: `auth slot '${slotId}' does not exist` };
    }
    if (account === undefined || usableToken(account, this.#deps.clock.now()) !== undefined)
      return { ok: true, slot };
    const { refresh_token, last_refresh_outcome } = account;
    if (refresh_token === undefined || isFinal(last_refresh_outcome)) {
      const message = `the account in auth slot '${slotId}' needs a new login`;
      return { ok: false, code: "login_required", message };
    }
    const why = last_refresh_outcome ?? "not tried";
    return {
      ok: false,
      code: "unavailable",
      message: `the token of the account in auth slot '${slotId}' is over and could not be refreshed (${why})`,
    };
  }

  /** Whoever comes while one is under way gets what it brings. */
  async #refreshed(slotId: string, why: Why): Promise<OpenSlot | undefined> {
    const present = this.#underWay.get(slotId);
    if (present !== undefined) return present;
    const flight = this.#refresh(slotId, why).finally(() => this.#underWay.delete(slotId));
    this.#underWay.set(slotId, flight);
    return flight;
  }

  async #refresh(slotId: string, why: Why): Promise<OpenSlot | undefined> {
    const { vault, clock } = this.#deps;
    for (;;) {
      const slot = await vault.open(slotId);
      if (!this.#isWanted(slotId, slot, why) && !this.#inDoubt.has(slotId)) return slot;
      const token = await this.#takeLease(slotId);
      if (token === undefined) {
        await sleep(clock, POLL_MS);
        continue;
      }
      try {
        // Another daemon may have been here between the look and the lease.
        const now = await vault.open(slotId);
        return this.#isWanted(slotId, now, why) ? await this.#exchange(now, why) : now;
      } finally {
        // Tokens that are only here are nobody else's to get: the next attempt is this daemon's. A lease that ran out is
        // somebody else's by now.
        if (!this.#unsaved.has(slotId)) await this.#releaseLease(slotId, token);
      }
    }
  }

  /** Its token; undefined while another daemon has it. */
  async #takeLease(slotId: string): Promise<number | undefined> {
    const { store, clock, owner } = this.#deps;
    const name = leaseOf(slotId);
    try {
      const taken = await store.commit([
        { op: "acquire-lease", name, owner, nowMs: clock.now(), leaseMs: LEASE_MS },
      ]);
      if (!taken.ok) this.#inDoubt.delete(slotId);
      return taken.ok ? taken.leases[0]?.token : undefined;
    } catch (error) {
      this.#doubt(slotId);
      throw error;
    }
  }

  /** Never rejects: what was done under it is done. */
  async #releaseLease(slotId: string, token: number): Promise<void> {
    try {
      await this.#deps.store.commit([{ op: "release-lease", name: leaseOf(slotId), token }]);
      this.#inDoubt.delete(slotId);
    } catch {
      this.#doubt(slotId);
    }
  }

  #doubt(slotId: string): void {
    if (this.#inDoubt.has(slotId)) return;
    this.#inDoubt.add(slotId);
    void this.#again(slotId, this.#inDoubt);
  }

  #isWanted(slotId: string, slot: OpenSlot | undefined, why: Why): slot is OpenSlot {
    const account = slot && accountOf(slot.record.state);
    const kept = this.#unsaved.get(slotId);
    if (kept !== undefined) {
      if (account?.refresh_token === kept.spent) return true;
      // Somebody has written the slot anew, or deleted it: what was kept for it is nobody's any more, nor is its lease.
      this.#unsaved.delete(slotId);
      this.#doubt(slotId);
    }
    if (account === undefined || slot?.status.disabled === true || this.#isHoldingStill) return false;
    return isWanted(account, why, this.#deps.clock.now());
  }

  async #exchange(slot: OpenSlot, why: Why): Promise<OpenSlot | undefined> {
    const { slot_id } = slot.record;
    const account = accountOf(slot.record.state);
    const spent = account?.refresh_token;
    if (account === undefined || spent === undefined) return slot;
    const kept = this.#unsaved.get(slot_id);
    const answer = kept?.answer ?? (await requestTokens(account, spent, this.#deps));
    if (answer.kind === "tokens") this.#unsaved.set(slot_id, { spent, answer });
    try {
      const written = await this.#write(slot, spent, answer, why);
      this.#unsaved.delete(slot_id);
      return written;
    } catch (error) {
      if (kept === undefined) void this.#saveLater(slot_id);
      throw error;
    }
  }

  /** A3: whoever comes next may be another daemon, which has only the spent token. */
  #saveLater(slotId: string): Promise<void> {
    this.#deps.log.error(
      { slot_id: slotId },
      "the tokens of an account could not be written; trying again until they are",
    );
    return this.#again(slotId, this.#unsaved);
  }

  /** For as long as the slot is among those. */
  async #again(slotId: string, open: { has(slotId: string): boolean }): Promise<void> {
    while (open.has(slotId)) {
      await sleep(this.#deps.clock, AGAIN_MS);
      await this.#refreshed(slotId, { kind: "use" }).catch(() => undefined);
    }
  }

  /** A2: as long as the spent token is the one in the slot, and it is still an account's. */
  async #write(slot: OpenSlot, spent: string, answer: TokenAnswer, why: Why): Promise<OpenSlot | undefined> {
    const { vault, clock } = this.#deps;
    const { slot_id } = slot.record;
    let current: OpenSlot | undefined = slot;
    for (let attempt = 0; attempt < MAX_WRITES; attempt++) {
      const account: OAuthAccount | undefined = current && accountOf(current.record.state);
      if (current === undefined || account?.refresh_token !== spent) return current;
      const state = renewed(account, answer, why, clock.now());
      const record: AuthSlotRecord = { ...current.record, state };
      const outcome = state.last_refresh_outcome ?? "";
      try {
        const actor = why.kind === "forced" ? why.actor : BY;
        const landed = await vault.renew(record, { actor }, current, outcome);
        if (landed !== undefined) this.#tell(slot_id, outcome);
        return landed;
      } catch (error) {
        if (!isProblem(error) || error.code !== "secret_revision_conflict") throw error;
        current = await vault.open(slot_id);
      }
    }
    throw new Error(`the tokens of slot '${slot_id}' could not be written ${MAX_WRITES} times`);
  }

  #tell(slotId: string, outcome: string): void {
    const { log } = this.#deps;
    if (outcome === REFRESHED) log.info({ slot_id: slotId }, "an account was refreshed");
    else log.warn({ slot_id: slotId, outcome }, "an account could not be refreshed");
  }
}

function leaseOf(slotId: string): string {
  return `account-refresh:${slotId}`;
}

/** The last refresh failed, and the next one may not. */
function isPassing({ refresh_token, last_refresh_outcome = REFRESHED }: OAuthAccount): boolean {
  return refresh_token !== undefined && last_refresh_outcome !== REFRESHED && !isFinal(last_refresh_outcome);
}
