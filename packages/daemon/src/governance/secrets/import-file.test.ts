import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Log } from "../../kernel/log.ts";
import { importAuthFile } from "./import-file.ts";
import { masterKeyOf } from "./master-key.ts";
import { keyIn, keyNumber, openAiSlot, useVaults } from "./vault.fixture.ts";

const vaults = useVaults();
/** Written by another implementation of AES-256-GCM-SIV under the key 00 01 … 1f. */
const ENCRYPTED = new URL("./fixtures/auth-file-1.json", import.meta.url);
const ITS_KEY = masterKeyOf(Uint8Array.from({ length: 32 }, (_, index) => index));
const PLAIN = JSON.stringify({
  slots: { "openai.prod": { ...openAiSlot("openai.prod", "plain-key-1"), updated_at_ms: 5 } },
});

async function scene(content: string) {
  const path = join(await vaults.directory(), "global-slots.json");
  await writeFile(path, content);
  const lines: string[] = [];
  const line = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: line, info: line, warn: line, error: line };
  const present = (name: string) => readFile(name, "utf8").catch(() => undefined);
  return { path, lines, deps: { readFile: present, rename, log }, present };
}

describe("02, weakness 8: an auth store file of version 1", () => {
  it("is imported once and moved aside, and the log says so", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, ITS_KEY);
    const { path, lines, deps, present } = await scene(await readFile(ENCRYPTED, "utf8"));
    await importAuthFile(path, { ...deps, vault, masterKey: ITS_KEY });
    expect((await vault.list()).map(({ slot_id, summary }) => [slot_id, summary])).toEqual([
      ["mcp.oauth.tracker", "mcp_oauth_account:tracker"],
      ["openai.prod", "api_key"],
    ]);
    expect(await keyIn(vault, "openai.prod")).toBe("fixture-openai-key-0001");
    expect((await vault.open("mcp.oauth.tracker"))?.record.state).toMatchObject({
      access_token: "fixture-access-token-1",
    });
    expect(await present(path)).toBeUndefined();
    expect(await present(`${path}.imported`)).toContain("ciphertext");
    expect(lines.join("\n")).toMatch(/are in the store now .*"imported":2/);
    expect(lines.join("\n")).not.toContain("fixture-openai-key");
    await importAuthFile(path, { ...deps, vault, masterKey: ITS_KEY });
    expect(lines).toHaveLength(1);
  });

  it("does not replace what the store has already", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, ITS_KEY);
    await vault.put(openAiSlot("openai.prod", "newer-key"), { actor: "admin" });
    const { path, deps } = await scene(await readFile(ENCRYPTED, "utf8"));
    await importAuthFile(path, { ...deps, vault, masterKey: ITS_KEY });
    expect(await keyIn(vault, "openai.prod")).toBe("newer-key");
  });

  it.each([
    ["under another key", keyNumber(3), /cannot be decrypted with the master key in use/],
    ["without a key", undefined, /is encrypted, and the daemon has no master key/],
  ])("02-R49: %s stops the start and stays where it is", async (_name, masterKey, sentence) => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, masterKey);
    const { path, deps, present } = await scene(await readFile(ENCRYPTED, "utf8"));
    await expect(importAuthFile(path, { ...deps, vault, masterKey })).rejects.toThrow(sentence);
    expect(await present(path)).toBeDefined();
    expect(await vault.list()).toEqual([]);
  });

  it.each(["", "{", "[]", '{"slots":{"a":{"slot_id":"b"}}}', '{"ciphertext":1}'])(
    "that is damaged (%j) stops the start, and is not quoted",
    async (content) => {
      const { store } = await vaults.store();
      const vault = await vaults.open(store, ITS_KEY);
      const { path, deps } = await scene(content);
      await expect(importAuthFile(path, { ...deps, vault, masterKey: ITS_KEY })).rejects.toThrow(
        /global-slots\.json/,
      );
    },
  );
});

describe("02-R48: an auth store file that is not encrypted", () => {
  it("is encrypted into the store by a daemon with a master key, which asks for the old file to be deleted", async () => {
    const { store } = await vaults.store();
    const vault = await vaults.open(store, keyNumber(1));
    const { path, lines, deps } = await scene(PLAIN);
    await importAuthFile(path, { ...deps, vault, masterKey: keyNumber(1) });
    expect(await keyIn(await vaults.open(store, keyNumber(1)), "openai.prod")).toBe("plain-key-1");
    expect(lines.join()).toContain("delete the old file");
  });

  it("is read, and can not be written, by one without", async () => {
    const { store } = await vaults.store();
    const heard: string[] = [];
    const vault = await vaults.open(store, undefined, heard);
    const { path, deps, present } = await scene(PLAIN);
    await importAuthFile(path, { ...deps, vault, masterKey: undefined });
    expect(await keyIn(vault, "openai.prod")).toBe("plain-key-1");
    expect(await vault.list()).toMatchObject([{ slot_id: "openai.prod", updated_at_ms: 5 }]);
    expect(heard).toContain("plain-key-1");
    const write = vault.put(openAiSlot("openai.prod", "other"), { actor: "admin" });
    await expect(write).rejects.toMatchObject({ code: "master_key_missing" });
    expect(await present(path)).toBe(PLAIN);
  });
});
