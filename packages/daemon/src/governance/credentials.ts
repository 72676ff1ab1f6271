import type { Clock } from "../kernel/clock.ts";
import type { Random } from "../kernel/random.ts";
import type { Store, StoredEvent } from "../kernel/store.ts";
import type { AuditLedger } from "./audit/index.ts";
import { Broker } from "./broker/broker.ts";
import { textsOfKey } from "./redaction/key-texts.ts";
import type { Redactor } from "./redaction/redactor.ts";
import { AUTH_STREAM, type MasterKey, type SlotEvent, Vault } from "./secrets/index.ts";

export interface CredentialsDeps {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  random: Random;
  /** 02-R48: without one nothing can be kept secret. */
  masterKey: MasterKey | undefined;
  redactor: Redactor;
}

/** Where secrets are, and who may use them: the vault and its broker, one pair a daemon. */
export class Credentials {
  readonly vault: Vault;
  readonly broker: Broker;
  /** Knows every secret that is in force. */
  readonly redactor: Redactor;

  constructor({ store, audit, clock, random, masterKey, redactor }: CredentialsDeps) {
    const onMasterKey = ({ id, bytes }: MasterKey) => redactor.hold(`master-key:${id}`, textsOfKey(bytes));
    if (masterKey !== undefined) onMasterKey(masterKey);
    this.vault = new Vault({ store, audit, clock, random, masterKey, onMasterKey }, (slotId, secrets) =>
      redactor.hold(`slot:${slotId}`, secrets),
    );
    this.redactor = redactor;
    this.broker = new Broker({ store, audit, clock, vault: this.vault });
  }

  /** Rejects with `VaultError` when the daemon should not start; twice is once. */
  async start(): Promise<void> {
    await this.vault.start();
    await this.broker.start();
  }

  /** Takes over what any daemon on the same store has changed; what is known already changes nothing. */
  async follow(event: StoredEvent): Promise<void> {
    if (event.stream !== AUTH_STREAM) return;
    const { slot_id } = event.data as { slot_id?: string };
    const slotEvent = SLOT_EVENTS.find((name) => event.type === `slot_${name}`);
    if (slot_id !== undefined && slotEvent !== undefined) await this.vault.refresh(slot_id, slotEvent);
    if (event.type === "master_key_changed") await this.vault.refreshKeys();
    await this.broker.follow(event);
  }
}

const SLOT_EVENTS: readonly SlotEvent[] = ["written", "deleted", "disabled", "enabled", "refreshed"];
