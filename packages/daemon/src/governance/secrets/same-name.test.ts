import { describe, expect, it } from "vitest";
import { overriding } from "../../kernel/overriding.ts";
import type { Store } from "../../kernel/store.ts";
import { keyIn, keyNumber, openAiSlot, useVaults } from "./vault.fixture.ts";
import type { Vault } from "./vault.ts";

const vaults = useVaults();
const by = { actor: "admin" };

/** Two daemons on one store. Once the first has read a slot and is about to write it, the second makes it anew. */
async function madeAnewMeanwhile(): Promise<{ first: Vault; second: Vault; arm: () => void }> {
  const { store } = await vaults.store();
  const second = await vaults.open(store, keyNumber(1));
  let isArmed = false;
  const raced: Store = overriding(store, {
    commit: async (ops, options) => {
      if (isArmed && ops.some((op) => op.op === "put" && op.kind === "auth_slot")) {
        isArmed = false;
        await second.delete("a", by);
        await second.put(openAiSlot("a", "the-new-key"), by);
      }
      return store.commit(ops, options);
    },
  });
  const first = await vaults.open(raced, keyNumber(1));
  await first.put(openAiSlot("a", "the-old-key"), by);
  const arm = () => {
    isArmed = true;
  };
  return { first, second, arm };
}

describe("V2: a slot that is deleted and made again between a read and its write, at the same revision", () => {
  it("is disabled as it is now: the secret that was deleted does not come back", async () => {
    const { first, second, arm } = await madeAnewMeanwhile();
    arm();
    expect(await first.disable("a", "leaked", by)).toMatchObject({ disabled: true });
    expect(await keyIn(second, "a")).toBe("the-new-key");
    expect((await second.get("a"))?.revision).toBe(2);
  });

  it("does not get the tokens that were asked for with the former one", async () => {
    const { first, second, arm } = await madeAnewMeanwhile();
    const before = await first.open("a");
    if (before === undefined) throw new Error("there is a slot");
    arm();
    await expect(
      first.renew(openAiSlot("a", "a-refreshed-key"), by, before, "refreshed"),
    ).rejects.toMatchObject({ code: "secret_revision_conflict" });
    expect(await keyIn(second, "a")).toBe("the-new-key");
  });

  it("keeps its secret when the master key is changed", async () => {
    const { first, second, arm } = await madeAnewMeanwhile();
    await first.put(openAiSlot("b", "another-key"), by);
    arm();
    await first.rekey(keyNumber(2), by);
    expect(await keyIn(second, "a")).toBe("the-new-key");
    expect(await keyIn(second, "b")).toBe("another-key");
  });

  it("is known to another daemon as what it is now, with its secret", async () => {
    const { store } = await vaults.store();
    const writer = await vaults.open(store, keyNumber(1));
    await writer.put(openAiSlot("a", "the-old-key"), by);
    const heard: string[] = [];
    const other = await vaults.open(store, keyNumber(1), heard);
    await writer.delete("a", by);
    await writer.put({ ...openAiSlot("a", "the-new-key"), provider: "anthropic" }, by);
    await other.refresh("a", "deleted");
    expect(other.status("a")).toMatchObject({ provider: "anthropic" });
    expect(heard).toContain("the-new-key");
  });
});
