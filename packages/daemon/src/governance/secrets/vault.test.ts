import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { occurrences } from "../../../test/support/database.ts";
import { loadMasterKey, parseMasterKey } from "./master-key.ts";
import { keyIn, keyNumber, openAiSlot, useVaults } from "./vault.fixture.ts";
import { AUTH_STREAM } from "./vault.ts";

const vaults = useVaults();
const KEY = "sk-not-a-real-key-000001";
const by = { actor: "admin" };

describe("02-R47: a slot", () => {
  it("is opened with its secret, and its status never has it", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    const { status, revision } = await vault.put(openAiSlot("openai.prod", KEY), by);
    expect(revision).toBe(1);
    expect(status).toMatchObject({
      slot_id: "openai.prod",
      provider: "open_ai",
      mode: "api_key",
      summary: "api_key",
    });
    expect(await keyIn(vault, "openai.prod")).toBe(KEY);
    expect(JSON.stringify([status, await vault.list(), await vault.get("openai.prod")])).not.toContain(KEY);
    expect(vault.status("openai.prod")).toEqual(status);
  });

  it("stands encrypted in the store, the journal says who wrote it and nothing of what", async () => {
    const { store, path } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    await vault.put(openAiSlot("a", KEY), by);
    await vault.put(openAiSlot("a", `${KEY}-2`), by);
    await vault.delete("a", { actor: "other" });
    expect(occurrences(path, KEY)).toEqual([]);
    expect(occurrences(path, Buffer.from(KEY).toString("base64").slice(0, 20))).toEqual([]);
    const events = await store.readStream(AUTH_STREAM);
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ["slot_written", { slot_id: "a", actor: "admin" }],
      ["slot_written", { slot_id: "a", actor: "admin" }],
      ["slot_deleted", { slot_id: "a", actor: "other" }],
    ]);
  });

  it("is sealed with a fresh nonce each time, also with the same secret", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    const sealed = async () => {
      await vault.put(openAiSlot("a", KEY), by);
      const stored = await store.get<{ sealed: { nonce: string; ciphertext: string } }>("auth_slot", "a");
      return stored?.data.sealed;
    };
    const [one, other] = [await sealed(), await sealed()];
    expect(one?.nonce).not.toBe(other?.nonce);
    expect(one?.ciphertext).not.toBe(other?.ciphertext);
  });

  it("cannot be opened as another slot, nor under another provider, nor with one bit changed", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    await vault.put(openAiSlot("a", KEY), by);
    const { data } = (await store.get("auth_slot", "a")) ?? {};
    const slot = data as { provider: string; sealed: { ciphertext: string } };
    const bytes = Buffer.from(slot.sealed.ciphertext, "base64");
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const forged = {
      moved: slot,
      renamed: { ...slot, provider: "anthropic" },
      flipped: { ...slot, sealed: { ...slot.sealed, ciphertext: bytes.toString("base64") } },
    };
    for (const [id, one] of Object.entries(forged)) {
      const keys = { id: [id], key: ["x"] };
      await store.commit([
        { op: "put", kind: "auth_slot", id: id === "moved" ? "b" : "a", data: one as never, keys },
      ]);
      await expect(vault.open(id === "moved" ? "b" : "a"), id).rejects.toThrow(/cannot be decrypted/);
    }
  });

  it("is written at the revision that was named or not at all", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    await vault.put(openAiSlot("a", KEY), { ...by, expectedRevision: 0 });
    const stale = { code: "secret_revision_conflict" };
    await expect(
      vault.put(openAiSlot("a", "other-key"), { ...by, expectedRevision: 0 }),
    ).rejects.toMatchObject(stale);
    await expect(vault.delete("a", { ...by, expectedRevision: 7 })).rejects.toMatchObject(stale);
    expect(await keyIn(vault, "a")).toBe(KEY);
    expect(await vault.delete("a", { ...by, expectedRevision: 1 })).toBe(true);
    expect(await vault.delete("a", by)).toBe(false);
    expect(await vault.open("a")).toBeUndefined();
  });

  it("02-A2: is disabled with a reason, and enabled again by name or by a write (02-R51)", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    await vault.put(openAiSlot("a", KEY), by);
    const off = { disabled: true, disabled_reason: "leaked" };
    expect(await vault.disable("a", "leaked", by)).toMatchObject(off);
    expect((await vaults.open(store, keyNumber(1))).status("a")).toMatchObject(off);
    expect(await vault.enable("a", by)).not.toHaveProperty("disabled");
    await vault.disable("a", "leaked", by);
    expect((await vault.put(openAiSlot("a", "a-new-key"), by)).status).not.toHaveProperty("disabled");
    expect(await vault.disable("none", "leaked", by)).toBeUndefined();
  });

  it("tells of its secrets before anybody can use them, and at every start", async () => {
    const { store } = await vaults.store();
    const heard: string[] = [];
    const vault = await vaults.open(store, keyNumber(1), heard);
    await vault.put(openAiSlot("a", KEY), by);
    expect(heard[0]).toBe(KEY);
    const again: string[] = [];
    await vaults.open(store, keyNumber(1), again);
    expect(again).toContain(KEY);
  });
});

describe("02-R49: the master key", () => {
  const raw = "0123456789abcdef0123456789abcdef";

  it("is 32 bytes of text, or base64 of 32 bytes, whatever white space is around it", () => {
    const base64 = Buffer.from(raw).toString("base64");
    expect(parseMasterKey(`  ${base64}\n`, "x").id).toBe(parseMasterKey(raw, "x").id);
    expect(Buffer.from(parseMasterKey(`${raw}\n`, "x").bytes).toString()).toBe(raw);
    for (const bad of ["", "short", base64.slice(4), `${raw}0`]) {
      expect(() => parseMasterKey(bad, "the variable"), bad).toThrow(/^the variable must hold 32 bytes/);
    }
  });

  it("comes from the variable or the file, never from both", async () => {
    const read = async (path: string) => (path === "/key" ? `${raw}\n` : Promise.reject(new Error("ENOENT")));
    const inline = "KHEISH_AUTH_STORE_MASTER_KEY";
    expect((await loadMasterKey({ [inline]: raw }, read))?.id).toBe(parseMasterKey(raw, "x").id);
    expect((await loadMasterKey({ [`${inline}_FILE`]: "/key" }, read))?.id).toBe(parseMasterKey(raw, "x").id);
    expect(await loadMasterKey({ [inline]: " " }, read)).toBeUndefined();
    await expect(loadMasterKey({ [inline]: raw, [`${inline}_FILE`]: "/key" }, read)).rejects.toThrow(
      /both set/,
    );
    await expect(loadMasterKey({ [`${inline}_FILE`]: "/none" }, read)).rejects.toThrow(
      /cannot read .* \/none/,
    );
  });

  it("that is wrong stops the start with a sentence, and never shows an empty store", async () => {
    const { store } = await vaults.store();
    await (await vaults.open(store, keyNumber(1))).put(openAiSlot("a", KEY), by);
    await expect(vaults.open(store, keyNumber(2))).rejects.toThrow(
      new RegExp(`cannot be decrypted: the master key in use has the id ${keyNumber(2).id}`),
    );
    await expect(vaults.open(store, undefined)).rejects.toThrow(/1 encrypted slots.*no master key/);
    expect(await keyIn(await vaults.open(store, keyNumber(1)), "a")).toBe(KEY);
  });

  it("02-R48: is needed for a write only; another one may begin where nothing is encrypted any more", async () => {
    const { store } = await vaults.store();
    const without = await vaults.open(store, undefined);
    expect(await without.list()).toEqual([]);
    await expect(without.put(openAiSlot("a", KEY), by)).rejects.toMatchObject({ code: "master_key_missing" });
    const first = await vaults.open(store, keyNumber(1));
    await first.put(openAiSlot("a", KEY), by);
    await first.delete("a", by);
    const second = await vaults.open(store, keyNumber(2));
    await second.put(openAiSlot("a", KEY), by);
    expect(await keyIn(await vaults.open(store, keyNumber(2)), "a")).toBe(KEY);
  });

  it("is not in the store", async () => {
    const { store, path } = await vaults.store();
    const key = parseMasterKey(raw, "x");
    const vault = await vaults.open(store, key);
    await vault.put(openAiSlot("a", KEY), by);
    await vault.rekey(keyNumber(9), by);
    for (const bytes of [key.bytes, keyNumber(9).bytes]) {
      expect(occurrences(path, Buffer.from(bytes).toString("base64"))).toEqual([]);
      expect(occurrences(path, Buffer.from(bytes).toString("hex"))).toEqual([]);
    }
    expect((await readFile(path)).includes(Buffer.from(raw))).toBe(false);
  });
});
