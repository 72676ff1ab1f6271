import { describe, expect, it } from "vitest";
import { around } from "../../../test/support/around.ts";
import { mortal } from "../../../test/support/crash.ts";
import type { Store } from "../../kernel/store.ts";
import { keyIn, keyNumber, openAiSlot, useVaults } from "./vault.fixture.ts";

const vaults = useVaults();
const by = { actor: "admin" };
const OLD = keyNumber(1);
const NEW = keyNumber(2);
/** More than one batch. */
const SLOTS = Array.from({ length: 230 }, (_, index) => `slot-${String(index).padStart(3, "0")}`);

async function filled(store: Store) {
  const vault = await vaults.open(store, OLD);
  await Promise.all(SLOTS.slice(0, 1).map((slot) => vault.put(openAiSlot(slot, `secret-of-${slot}`), by)));
  await Promise.all(SLOTS.slice(1).map((slot) => vault.put(openAiSlot(slot, `secret-of-${slot}`), by)));
  return vault;
}

async function keysInStore(store: Store): Promise<Set<string>> {
  const slots = await store.list<{ sealed: { key_id: string } }>("auth_slot", { index: "id", limit: 1_000 });
  return new Set(slots.map(({ data }) => data.sealed.key_id));
}

describe("02, weakness 8: a change of the master key", () => {
  it("encrypts every slot anew, and the old key opens nothing once the daemon has started with the new one", async () => {
    const { store } = await vaults.store();
    const vault = await filled(store);
    expect(await vault.rekey(NEW, by)).toEqual({ key_id: NEW.id, reencrypted: SLOTS.length });
    expect(await keysInStore(store)).toEqual(new Set([NEW.id]));
    expect(vault.state.awaits_new_key).toBe(true);

    // Whoever forgets to put the new key in its place can still start, and is told.
    expect((await vaults.open(store, OLD)).state.awaits_new_key).toBe(true);
    const confirmed = await vaults.open(store, NEW);
    expect(confirmed.state.awaits_new_key).toBe(false);
    expect(await keyIn(confirmed, "slot-007")).toBe("secret-of-slot-007");
    await expect(vaults.open(store, OLD)).rejects.toThrow(/cannot be decrypted/);
    // A daemon that has been running all the time goes on.
    expect(await keyIn(vault, "slot-007")).toBe("secret-of-slot-007");
    await vault.put(openAiSlot("slot-007", "after-it"), by);
    expect(await keyIn(confirmed, "slot-007")).toBe("after-it");
  });

  it("is killed at any of its commits and finished by the next start, with whichever of the two keys", async () => {
    for (let k = 1; ; k++) {
      let finished = false;
      for (const side of ["before", "after"] as const) {
        for (const restartWith of [OLD, NEW]) {
          const { store } = await vaults.store();
          await filled(store);
          let died = () => {};
          const death = new Promise<void>((resolve) => {
            died = resolve;
          });
          const doomed = mortal(store, k, side, died);
          const vault = await vaults.open(doomed.store, OLD);
          const rekey = vault.rekey(NEW, by).then(() => "done");
          finished = (await Promise.race([rekey, death.then(() => "dead")])) === "done";
          if (finished) break;
          // Nothing was written under the new key yet: only the old one can be right.
          if (k === 1 && side === "before" && restartWith === NEW) {
            await expect(vaults.open(store, NEW)).rejects.toThrow(/cannot be decrypted/);
            continue;
          }
          const again = await vaults.open(store, restartWith);
          expect((await keysInStore(store)).size, `commit ${k}, ${side}`).toBe(1);
          for (const slot of ["slot-000", "slot-115", "slot-229"]) {
            expect(await keyIn(again, slot)).toBe(`secret-of-${slot}`);
          }
        }
      }
      if (finished) {
        expect(k).toBeGreaterThan(3);
        return;
      }
    }
  });

  it("lets every read and every write through while it goes on, here and in another daemon", async () => {
    const { store } = await vaults.store();
    const vault = await filled(store);
    let during = async () => {};
    // After each of its batches somebody reads everything and writes something.
    const busy = around(store, {
      commit: async (ops, options) => {
        const result = await store.commit(ops, options);
        await during();
        return result;
      },
    });
    const other = await vaults.open(store, OLD);
    const rekeying = await vaults.open(busy, OLD);
    let writes = 0;
    during = async () => {
      for (const slot of SLOTS) {
        if (slot.startsWith("written")) continue;
        expect(await keyIn(vault, slot)).toMatch(/^secret-of-/);
        expect(await keyIn(other, slot)).toMatch(/^secret-of-/);
      }
      writes += 1;
      const slot = SLOTS[229 - writes] ?? "";
      await other.put(openAiSlot(slot, `secret-of-${slot}-${writes}`), by);
    };
    await rekeying.rekey(NEW, by);
    during = async () => {};
    expect(writes).toBeGreaterThan(3);
    expect(await keysInStore(store)).toEqual(new Set([NEW.id]));
    expect(await keyIn(await vaults.open(store, NEW), "slot-228")).toBe("secret-of-slot-228-1");
  });

  it("can follow another one that was not confirmed yet", async () => {
    const { store } = await vaults.store();
    const vault = await filled(store);
    await vault.rekey(NEW, by);
    await vault.rekey(keyNumber(3), by);
    await vaults.open(store, OLD);
    await vaults.open(store, NEW);
    await vaults.open(store, keyNumber(3));
    await expect(vaults.open(store, NEW)).rejects.toThrow(/cannot be decrypted/);
  });

  it("that another daemon begins while it goes on is the one that holds", async () => {
    const { store } = await vaults.store();
    await filled(store);
    const [one, other] = [await vaults.open(store, OLD), await vaults.open(store, OLD)];
    let commits = 0;
    const overtaken = around(store, {
      commit: async (ops, options) => {
        const result = await store.commit(ops, options);
        commits += 1;
        // The change has begun, and its first batch is written.
        if (commits === 2) await other.rekey(keyNumber(3), by);
        return result;
      },
    });
    const slow = await vaults.open(overtaken, OLD);
    await slow.rekey(NEW, by);
    expect(await keysInStore(store)).toEqual(new Set([keyNumber(3).id]));
    expect(await keyIn(one, "slot-100")).toBe("secret-of-slot-100");
  });

  it("to the key that is in use already is refused, and asked for again while it goes on is not", async () => {
    const { store } = await vaults.store();
    const vault = await filled(store);
    await expect(vault.rekey(OLD, by)).rejects.toMatchObject({ code: "master_key_conflict" });
    await vault.rekey(NEW, by);
    expect(await vault.rekey(NEW, by)).toEqual({ key_id: NEW.id, reencrypted: 0 });
  });
});
