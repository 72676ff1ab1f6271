import type { AuthSlotRecord, AuthSlotStatus } from "@kheish/contract";
import type { Clock } from "../../kernel/clock.ts";
import { secretsIn } from "./secrets-in.ts";
import { plainStatus, type StoredSlot, statusOf } from "./stored-slot.ts";

/** A slot as it stands in the store. */
export interface StandingSlot {
  data: StoredSlot;
  revision: number;
}

interface Known {
  statusAt: (nowMs: number) => AuthSlotStatus;
  revision: number;
  /** Tells slots of one name and revision apart; a plain one has none. */
  nonce?: string;
}

/** What was last heard of each slot, for those who cannot wait for the store. */
export class KnownSlots {
  readonly #clock: Clock;
  readonly #onSecrets: (slotId: string, secrets: readonly string[]) => void;
  readonly #known = new Map<string, Known>();
  /** Slots of an unencrypted file, while there is no key to seal them under (02-R48). */
  readonly #plain = new Map<string, AuthSlotRecord>();

  /** `onSecrets` hears of every secret before anybody can use it. */
  constructor(clock: Clock, onSecrets: (slotId: string, secrets: readonly string[]) => void) {
    this.#clock = clock;
    this.#onSecrets = onSecrets;
  }

  status(slotId: string): AuthSlotStatus | undefined {
    return this.#known.get(slotId)?.statusAt(this.#clock.now());
  }

  /** What a slot that was just read has to show. */
  statusOf(slotId: string, data: StoredSlot): AuthSlotStatus {
    return statusOf(slotId, data, this.#clock.now());
  }

  /** Whether what is known is what was just read. */
  has(slotId: string, found: StandingSlot | undefined): boolean {
    const known = this.#known.get(slotId);
    return found?.revision === known?.revision && found?.data.sealed.nonce === known?.nonce;
  }

  know(slotId: string, { data, revision }: StandingSlot): void {
    const statusAt = (nowMs: number) => statusOf(slotId, data, nowMs);
    this.#known.set(slotId, { statusAt, revision, nonce: data.sealed.nonce });
  }

  /** The same of a slot that was opened. */
  remember(slotId: string, slot: StandingSlot, record: AuthSlotRecord): AuthSlotStatus {
    // A read may be overtaken by a later one; what is known never goes back.
    if ((this.#known.get(slotId)?.revision ?? 0) <= slot.revision) this.know(slotId, slot);
    this.hold(record);
    return this.statusOf(slotId, slot.data);
  }

  /** From now on its secrets show nowhere. */
  hold(record: AuthSlotRecord): void {
    this.#onSecrets(record.slot_id, secretsIn(record));
  }

  forget(slotId: string): void {
    this.#known.delete(slotId);
    this.#onSecrets(slotId, []);
  }

  /** Slots of an unencrypted file are usable though they cannot be written (02-R48). */
  adoptPlain(record: AuthSlotRecord): void {
    this.#plain.set(record.slot_id, record);
    this.#known.set(record.slot_id, { statusAt: (nowMs) => plainStatus(record, nowMs), revision: 0 });
    this.hold(record);
  }

  plain(slotId: string): { record: AuthSlotRecord; status: AuthSlotStatus } | undefined {
    const record = this.#plain.get(slotId);
    const status = record && this.status(slotId);
    return record && status && { record, status };
  }

  plainStatuses(): AuthSlotStatus[] {
    return [...this.#plain.keys()].flatMap((slotId) => this.status(slotId) ?? []);
  }
}
