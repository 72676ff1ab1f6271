import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthSlotRecord } from "@kheish/contract";
import { afterEach } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import { openSqliteStore } from "../../kernel/sqlite/index.ts";
import type { Store } from "../../kernel/store.ts";
import { unaudited } from "../audit/testing.ts";
import { type MasterKey, masterKeyOf } from "./master-key.ts";
import { Vault } from "./vault.ts";

export const random: Random = { hex: (bytes) => randomBytes(bytes).toString("hex"), unit: () => 0.5 };

/** Keys that differ by one byte. */
export const keyNumber = (n: number): MasterKey => masterKeyOf(new Uint8Array(32).fill(n));

export const openAiSlot = (slot_id: string, api_key: string): AuthSlotRecord => ({
  slot_id,
  provider: "open_ai",
  mode: "api_key",
  state: { kind: "api_key", api_key },
});

/** The secret of an API key slot. */
export async function keyIn(vault: Vault, slotId: string): Promise<string | undefined> {
  const state = (await vault.open(slotId))?.record.state;
  return state !== undefined && "api_key" in state ? state.api_key : undefined;
}

/** Stores with vaults on them; each test's own, and cleaned up after it. */
export function useVaults() {
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const directory = async () => {
    const path = await mkdtemp(join(tmpdir(), "kheish-vault-"));
    undo.push(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  return {
    directory,
    async store(): Promise<{ store: Store; path: string }> {
      const path = join(await directory(), "kheish.db");
      const store = await openSqliteStore({ path });
      undo.push(() => store.close().catch(() => undefined));
      return { store, path };
    },
    async open(store: Store, masterKey: MasterKey | undefined, heard: string[] = []): Promise<Vault> {
      const deps = { store, audit: unaudited(store), clock: new SimulatedClock(), random, masterKey };
      const vault = new Vault(deps, (_slotId, secrets) => heard.push(...secrets));
      await vault.start();
      return vault;
    },
  };
}
