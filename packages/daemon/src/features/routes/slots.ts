import { problem, readAuthSlot } from "@kheish/contract";
import type { Changer } from "../../engine/index.ts";
import type { Change, Vault } from "../../governance/secrets/index.ts";
import { type DriverName, slotProviderOf } from "../../model/index.ts";

/** Keeps the keys of routes that are added with one (02-R38). */
export interface SlotWriter {
  put(slotId: string, driver: DriverName, apiKey: string, by: Changer): Promise<void>;
  delete(slotId: string, by: Changer): Promise<void>;
}

/** The vault as the place of those keys: each in a slot of its own, under the rules of every other one. */
export function vaultSlots(vault: Pick<Vault, "put" | "delete">): SlotWriter {
  return {
    async put(slotId, driver, apiKey, by) {
      const provider = slotProviderOf(driver);
      if (provider === undefined) throw refused(`driver '${driver}' takes no API key`);
      const state = { kind: "api_key", api_key: apiKey };
      const read = readAuthSlot({ slot_id: slotId, provider, mode: "api_key", state });
      if (!read.ok) throw refused(read.errors.map(({ message }) => message).join("; "));
      await vault.put(read.record, changeBy(by));
    },
    async delete(slotId, by) {
      await vault.delete(slotId, changeBy(by));
    },
  };
}

function changeBy({ principal, request_id, reason }: Changer): Change {
  return {
    actor: principal,
    ...(request_id === undefined ? {} : { requestId: request_id }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function refused(detail: string) {
  return problem("runtime", "runtime_validation_failed", detail);
}
