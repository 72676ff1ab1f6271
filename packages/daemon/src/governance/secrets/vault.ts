import { isDeepStrictEqual } from "node:util";
import { type AuthSlotRecord, type AuthSlotStatus, type JsonObject, problem } from "@kheish/contract";
import type { AdminChange, AuditPort } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import type { Op, Store } from "../../kernel/store.ts";
import type { Keyring } from "./keyring.ts";
import { Keyrings } from "./keyrings.ts";
import { KnownSlots, type StandingSlot } from "./known-slots.ts";
import { type MasterKey, NO_MASTER_KEY, VaultError } from "./master-key.ts";
import { withNewerTokens, withSpent } from "./older-state.ts";
import { confirmKey, finishRekey } from "./rekey.ts";
import { allSlots, countSlots, readSlot, readToWrite } from "./slot-records.ts";
import { deleteSlot, putSlot, type StoredSlot, sealSlot } from "./stored-slot.ts";
import { unsealed } from "./unsealed.ts";

/** What changed in the auth store and who changed it; read by every daemon on the same store. */
export const AUTH_STREAM = "auth";

/** Losing this often in a row is no race. */
const MAX_ATTEMPTS = 100;

export interface VaultDeps {
  store: Store;
  audit: Pick<AuditPort, "commitAdmin">;
  clock: Clock;
  random: Random;
  /** Undefined: nothing can be written, and what is sealed cannot be read (02-R48). */
  masterKey: MasterKey | undefined;
  /** Hears of every key before it is used. */
  onMasterKey?: (key: MasterKey) => void;
}

export interface Change {
  /** Who asks for it, as the control plane knows them; with which request, and why. */
  actor: string;
  requestId?: string;
  reason?: string;
  /** Refused when the slot is at another revision; 0: it must not exist yet. */
  expectedRevision?: number;
}

/** A slot as it may be used now. */
export interface OpenSlot {
  record: AuthSlotRecord;
  status: AuthSlotStatus;
  revision: number;
}

/** `refreshed`: the slot holds the same account with other tokens. */
export type SlotEvent = "written" | "deleted" | "disabled" | "enabled" | "refreshed";

export interface RekeyResult {
  /** Slots are encrypted under this key now. */
  key_id: string;
  reencrypted: number;
}

/**
 * Every secret of the daemon, each in a record of its own, sealed under the master key.
 *
 * V1 a secret leaves through `open` only; a status never holds one (02-R47)
 * V2 a write lands on the slot that it read, at that revision, and under the keyring it read, or not at all: a slot of the
 *    same name that was made meanwhile is another one
 * V3 while keys change, slots under the old and the new key are both readable (02, weakness 8)
 * V4 each change is an event of the journal and a record of the signed audit in the same commit, with its actor
 */
export class Vault {
  readonly #deps: VaultDeps;
  #started: Promise<void> | undefined;
  readonly #keyrings: Keyrings;
  readonly #known: KnownSlots;
  readonly #listeners = new Set<(slotId: string, event: SlotEvent) => void>();

  /** `onSecrets` hears of every secret before anybody can use it. */
  constructor(
    deps: VaultDeps,
    onSecrets: (slotId: string, secrets: readonly string[]) => void = () => undefined,
  ) {
    this.#deps = deps;
    this.#keyrings = new Keyrings(deps.store, deps.masterKey, deps.onMasterKey);
    this.#known = new KnownSlots(deps.clock, onSecrets);
  }

  /**
   * Opens every slot once, so that a wrong key is found out now and not at the first call (02-R49), and brings a
   * change of keys that was cut off to its end. Rejects with `VaultError`; twice is once.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const { store, masterKey } = this.#deps;
    if (masterKey === undefined) {
      const count = await countSlots(store);
      if (count > 0)
        throw new VaultError(`the auth store holds ${count} encrypted slots, and ${NO_MASTER_KEY}`);
      return;
    }
    for await (const slot of allSlots(store)) {
      this.#known.remember(slot.id, slot, await this.#unseal(slot.id, slot.data));
    }
    const keyring = await this.#keyrings.reload();
    if (!keyring.isCurrentKnown) {
      // Nothing is left that another key could open: this one begins anew.
      await store.commit([keyring.adopt()]);
      await this.#keyrings.reload();
      return;
    }
    await finishRekey(store, this.#keyrings, this.#deps.random);
    await confirmKey(store, this.#keyrings);
  }

  /** Whether a secret can be written. */
  get isWritable(): boolean {
    return this.#deps.masterKey !== undefined;
  }

  /** `awaits_new_key`: between a change of keys and the first start with the new one, the old one opens the store. */
  get state(): { writable: boolean; key_id?: string; awaits_new_key: boolean } {
    const keyring = this.#keyrings.last;
    return {
      writable: this.isWritable,
      ...(keyring === undefined ? {} : { key_id: keyring.current.id }),
      awaits_new_key: keyring?.isChanging ?? false,
    };
  }

  /** What was last heard of a slot, without asking the store. */
  status(slotId: string): AuthSlotStatus | undefined {
    return this.#known.status(slotId);
  }

  /** Hears of every change of a slot, made here or by another daemon. */
  onChange(listener: (slotId: string, event: SlotEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** By slot id. */
  async list(): Promise<AuthSlotStatus[]> {
    const statuses: AuthSlotStatus[] = [];
    for await (const { id, data } of allSlots(this.#deps.store))
      statuses.push(this.#known.statusOf(id, data));
    statuses.push(...this.#known.plainStatuses());
    return statuses.sort((a, b) => (a.slot_id < b.slot_id ? -1 : 1));
  }

  async get(slotId: string): Promise<{ status: AuthSlotStatus; revision: number } | undefined> {
    const found = await readSlot(this.#deps.store, slotId);
    if (found !== undefined)
      return { status: this.#known.statusOf(slotId, found.data), revision: found.revision };
    const plain = this.#known.plain(slotId);
    return plain && { status: plain.status, revision: 0 };
  }

  /** The slot with its secret, as it stands in the store now. Whether it is disabled is the caller's to look at. */
  async open(slotId: string): Promise<OpenSlot | undefined> {
    const found = await readSlot(this.#deps.store, slotId);
    if (found === undefined) {
      const plain = this.#known.plain(slotId);
      return plain && { ...plain, revision: 0 };
    }
    const record = await this.#unseal(slotId, found.data);
    return { record, status: this.#known.remember(slotId, found, record), revision: found.revision };
  }

  /**
   * Creates the slot or puts another secret in the place of the old one, and enables it (02-R51). An older state of the
   * login that the slot holds keeps the newer tokens, and the event says so (`kept_tokens`).
   */
  async put(record: AuthSlotRecord, change: Change): Promise<{ status: AuthSlotStatus; revision: number }> {
    const { slot_id: slotId } = record;
    const { random, clock } = this.#deps;
    // Known before it is anywhere, so that no log line of the write itself can show it.
    this.#known.hold(record);
    let written = record;
    const build = (keyring: Keyring, found: StoredSlot | undefined): StoredSlot => {
      const { spent } = found ?? {};
      const canOpen = found !== undefined && keyring.get(found.sealed.key_id) !== undefined;
      const newer =
        canOpen && spent ? withNewerTokens(record, unsealed(slotId, found, keyring), spent) : undefined;
      written = newer ?? record;
      const sealed = sealSlot(written, keyring.current, random, clock.now());
      return newer === undefined || spent === undefined ? sealed : { ...sealed, spent };
    };
    const details = () => (written === record ? {} : { kept_tokens: true });
    const landed = await this.#change(slotId, change, "written", build, details);
    if (landed === undefined) throw new Error("a written slot is never absent");
    return { status: this.#known.remember(slotId, landed, written), revision: landed.revision };
  }

  /**
   * The same account with the tokens that a refresh brought, or what came of it. The slot stays disabled if it was, and
   * leases on it go on. Undefined when there is no such slot. It follows `before`, by its revision and by what is in it:
   * a slot that was deleted and written again counts its revisions anew.
   */
  async renew(
    record: AuthSlotRecord,
    change: Change,
    before: Pick<OpenSlot, "record" | "revision">,
    outcome: string,
  ): Promise<OpenSlot | undefined> {
    const { slot_id: slotId } = record;
    const { random, clock } = this.#deps;
    this.#known.hold(record);
    const renewed = (keyring: Keyring, found: StoredSlot | undefined) => {
      if (found === undefined) return undefined;
      if (!isDeepStrictEqual(unsealed(slotId, found, keyring), before.record))
        throw changedMeanwhile(`slot '${slotId}' holds something else by now`);
      const spent = withSpent(found.spent, before.record, record);
      return { ...found, ...sealSlot(record, keyring.current, random, clock.now()), spent };
    };
    const follows = { ...change, expectedRevision: before.revision };
    const landed = await this.#change(slotId, follows, "refreshed", renewed, () => ({ outcome }));
    if (landed === undefined) return undefined;
    return { record, status: this.#known.remember(slotId, landed, record), revision: landed.revision };
  }

  /** False when there is no such slot. */
  async delete(slotId: string, change: Change, details: JsonObject = {}): Promise<boolean> {
    const { store, audit, clock } = this.#deps;
    const { actor, expectedRevision } = change;
    // Without a key nothing is written, a deletion neither (02-R48).
    await this.#keyrings.current();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = await readSlot(store, slotId);
      checkRevision(slotId, found?.revision ?? 0, expectedRevision);
      if (found === undefined) return false;
      const result = await audit.commitAdmin(
        [
          ...deleteSlot(slotId, found.revision, clock.now()),
          this.#event("slot_deleted", { slot_id: slotId, actor, ...details }),
        ],
        { ...recordOf(change, `secrets/${slotId}`, { deleted: slotId }), withdraws: true },
      );
      if (!result.ok) continue;
      this.#known.forget(slotId);
      this.#tell(slotId, "deleted");
      return true;
    }
    throw lostRaces(slotId);
  }

  /** The slot is kept and cannot be used until it is enabled or written again; undefined when there is none. */
  async disable(slotId: string, reason: string, change: Change): Promise<AuthSlotStatus | undefined> {
    const disabled = { reason, at_ms: this.#deps.clock.now(), by: change.actor };
    return this.#alter(slotId, { ...change, reason }, "disabled", (slot) => ({ ...slot, disabled }));
  }

  async enable(slotId: string, change: Change, reason?: string): Promise<AuthSlotStatus | undefined> {
    const why = reason === undefined ? {} : { reason };
    return this.#alter(slotId, { ...change, ...why }, "enabled", ({ disabled: _disabled, ...slot }) => slot);
  }

  /**
   * Encrypts every slot under `next`, in batches, while reads and writes go on. Killed in the middle it is finished by
   * the next start, with either key; the old one opens the store until the daemon has been started with the new one.
   */
  async rekey(next: MasterKey, change: Change): Promise<RekeyResult> {
    const { store, audit, clock, random } = this.#deps;
    const { actor } = change;
    this.#deps.onMasterKey?.(next);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const keyring = await this.#keyrings.current();
      if (keyring.current.id !== next.id) {
        const keys = { from: keyring.current.id, to: next.id };
        const event = this.#event("master_key_changed", { ...keys, actor });
        const begun = await audit.commitAdmin(
          [keyring.change(next, random, clock.now()), event],
          recordOf(change, "secrets/master_key", keys),
        );
        await this.#keyrings.reload();
        if (!begun.ok) continue;
      } else if (!keyring.isChanging) {
        throw problem(
          "runtime",
          "master_key_conflict",
          `the slots are already encrypted under the key ${next.id}`,
        );
      }
      return { key_id: next.id, reencrypted: await finishRekey(store, this.#keyrings, random) };
    }
    throw lostRaces("the keyring");
  }

  /** Takes over what another daemon did to a slot; what this one did it knows already. */
  async refresh(slotId: string, event: SlotEvent): Promise<void> {
    if (!this.isWritable) return;
    const found = await readSlot(this.#deps.store, slotId);
    if (this.#known.has(slotId, found)) return;
    // Revisions begin anew with a slot that was deleted and written again.
    this.#known.forget(slotId);
    if (found !== undefined) this.#known.remember(slotId, found, await this.#unseal(slotId, found.data));
    this.#tell(slotId, event);
  }

  /** Another daemon has begun to change keys. */
  async refreshKeys(): Promise<void> {
    if (this.isWritable) await this.#keyrings.reload();
  }

  /** Slots of an unencrypted file are usable though they cannot be written (02-R48). */
  adoptPlain(record: AuthSlotRecord): void {
    this.#known.adoptPlain(record);
  }

  async #alter(
    slotId: string,
    change: Change,
    event: SlotEvent,
    alter: (slot: StoredSlot) => StoredSlot,
  ): Promise<AuthSlotStatus | undefined> {
    const landed = await this.#change(slotId, change, event, (_keyring, slot) => slot && alter(slot));
    return landed && this.#known.statusOf(slotId, landed.data);
  }

  async #change(
    slotId: string,
    change: Change,
    event: SlotEvent,
    build: (keyring: Keyring, before: StoredSlot | undefined) => StoredSlot | undefined,
    details: () => JsonObject = () => ({}),
  ): Promise<StandingSlot | undefined> {
    const { actor, reason, expectedRevision } = change;
    const why = reason === undefined ? {} : { reason };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { found, guard } = await readToWrite(this.#deps.store, slotId);
      const keyring = await this.#keyringFor(found?.data);
      const revision = found?.revision ?? 0;
      checkRevision(slotId, revision, expectedRevision);
      const data = build(keyring, found?.data);
      if (data === undefined) return undefined;
      const { provider, mode } = data;
      const told = recordOf(change, `secrets/${slotId}`, { [event]: slotId, provider, mode });
      const ops = [
        ...keyring.guard(),
        guard,
        putSlot(slotId, data, revision),
        this.#event(`slot_${event}`, { slot_id: slotId, actor, ...why, ...details() }),
      ];
      // A refresh is nobody's change: the audit has its requests, and what they brought must not be held up.
      const result =
        event === "refreshed"
          ? await this.#deps.store.commit(ops)
          : await this.#deps.audit.commitAdmin(
              ops,
              event === "disabled" ? { ...told, withdraws: true } : told,
            );
      if (keyring.revision === 0 || !result.ok) await this.#keyrings.reload();
      if (!result.ok) continue;
      const landed = { data, revision: revision + 1 };
      this.#known.know(slotId, landed);
      this.#tell(slotId, event);
      return landed;
    }
    throw lostRaces(slotId);
  }

  async #unseal(slotId: string, data: StoredSlot): Promise<AuthSlotRecord> {
    return unsealed(slotId, data, await this.#keyringFor(data));
  }

  /** Read anew where the slot is under a key that came up since. */
  async #keyringFor(slot: StoredSlot | undefined): Promise<Keyring> {
    const keyring = await this.#keyrings.current();
    const isKnown = slot === undefined || keyring.get(slot.sealed.key_id) !== undefined;
    return isKnown ? keyring : this.#keyrings.reload();
  }

  #tell(slotId: string, event: SlotEvent): void {
    for (const listener of this.#listeners) listener(slotId, event);
  }

  #event(type: string, data: JsonObject): Op {
    return { op: "append", stream: AUTH_STREAM, events: [{ type, atMs: this.#deps.clock.now(), data }] };
  }
}

/** What the signed audit tells of a change: never a secret, nor anything that is made of one. */
function recordOf({ actor, requestId, reason }: Change, target: string, change: JsonObject): AdminChange {
  return {
    principal: actor,
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(reason === undefined ? {} : { reason }),
    target,
    change,
  };
}

function checkRevision(slotId: string, actual: number, expected: number | undefined): void {
  if (expected === undefined || expected === actual) return;
  throw changedMeanwhile(`slot '${slotId}' is at revision ${actual}, not ${expected}`);
}

function changedMeanwhile(what: string): Error {
  return problem("runtime", "secret_revision_conflict", `${what}; read it again and repeat`);
}

function lostRaces(what: string): Error {
  return new Error(`a write of ${what} was refused ${MAX_ATTEMPTS} times`);
}
