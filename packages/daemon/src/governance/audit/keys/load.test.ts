import { describe, expect, it } from "vitest";
import type { Store } from "../../../kernel/store.ts";
import { type KeyPorts, loadSigningKeys } from "./load.ts";
import { parseKeyId, parseSeed } from "./parse.ts";

const SEED = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
const KEY_ID = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

describe("02-R81 the forms of a key", () => {
  it.each([
    ["hex", SEED.toString("hex")],
    ["hex and a newline", `${SEED.toString("hex").toUpperCase()}\n`],
    ["base64", SEED.toString("base64")],
    ["base64url", SEED.toString("base64url")],
    ["the key file", JSON.stringify({ algorithm: "ed25519", secret_key_hex: SEED.toString("hex") })],
  ])("%s", (_form, text) => {
    expect(parseSeed(Buffer.from(text))).toEqual(SEED);
  });

  it("32 raw bytes, of which some may look like a newline", () => {
    const raw = Buffer.from([10, ...SEED.subarray(2), 10]);
    expect(parseSeed(raw)).toEqual(raw);
  });

  it.each(["", "short", SEED.toString("hex").slice(1), '{"algorithm":"rsa","secret_key_hex":"00"}', "{"])(
    "and nothing else: %j",
    (text) => {
      expect(parseSeed(Buffer.from(text))).toBeUndefined();
    },
  );

  it("of a public one: hex, PEM, JSON that names it", () => {
    const pem =
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    for (const text of [
      KEY_ID,
      `${KEY_ID.toUpperCase()}\n`,
      pem,
      `{"key_id":"${KEY_ID}"}`,
      `{"current_key_id":"${KEY_ID}"}`,
    ])
      expect(parseKeyId(text)).toBe(KEY_ID);
    expect(parseKeyId('{"secret_key_hex":"00"}')).toBeUndefined();
  });
});

describe("02-R81 where the key comes from", () => {
  const NAME = "KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY";
  const hex = SEED.toString("hex");

  function ports(env: Record<string, string>, files: Record<string, string> = {}, records = 0) {
    const warnings: string[] = [];
    const held: string[] = [];
    const all: KeyPorts = {
      env,
      store: { engine: "sqlite", streamHead: async () => records } as unknown as Store,
      isHeldCopy: false,
      masterKey: undefined,
      keyFile: "/state/audit-signing.key",
      random: { hex: () => hex, unit: () => 0 },
      readFile: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
      writeFile: async (path, content) => {
        files[path] = content;
      },
      warn: (message) => warnings.push(message),
      holdSecrets: (_keyId, texts) => held.push(...texts),
    };
    return { all, files, warnings, held };
  }

  it("from the environment or a file that it names, without a word", async () => {
    const given = [ports({ [NAME]: hex }), ports({ [`${NAME}_FILE`]: "/k" }, { "/k": hex })];
    for (const { all, files, warnings, held } of given) {
      expect((await loadSigningKeys(all)).signer.keyId).toBe(KEY_ID);
      expect(held).toContain(SEED.toString("base64url"));
      expect(warnings).toEqual([]);
      expect(files).not.toHaveProperty("/state/audit-signing.key");
    }
  });

  it("never from both, nor from one that holds no key, which is not shown", async () => {
    await expect(loadSigningKeys(ports({ [NAME]: hex, [`${NAME}_FILE`]: "/k" }).all)).rejects.toThrow(
      "both set",
    );
    await expect(loadSigningKeys(ports({ [NAME]: "hunter2" }).all)).rejects.toThrow(
      /^(?!.*hunter2).*holds no Ed25519 key/,
    );
    await expect(loadSigningKeys(ports({ [`${NAME}_FILE`]: "/k" }).all)).rejects.toThrow("does not exist");
  });

  it("else from the state root, made there once, with a warning that it lies beside what it signs", async () => {
    const { all, files, warnings } = ports({});
    expect((await loadSigningKeys(all)).signer.keyId).toBe(KEY_ID);
    expect(files["/state/audit-signing.key"]).toBe(`{"algorithm":"ed25519","secret_key_hex":"${hex}"}\n`);
    expect(warnings).toEqual([expect.stringContaining("forge")]);
    const again = ports({}, files, 1);
    expect((await loadSigningKeys(again.all)).signer.keyId).toBe(KEY_ID);
  });

  it("not at all when records are there and their key is not", async () => {
    await expect(loadSigningKeys(ports({}, {}, 1).all)).rejects.toThrow(
      "the key that signed them is missing",
    );
  });

  it("for a restored copy that came without it, a new one, and the ring is to say so", async () => {
    const { all, files, warnings } = ports({}, {}, 1);
    expect(await loadSigningKeys({ ...all, isHeldCopy: true })).toMatchObject({
      signer: { keyId: KEY_ID },
      declareBoundary: true,
    });
    expect(files["/state/audit-signing.key"]).toContain(hex);
    expect(warnings.join()).toContain("nothing connects it with the old one");
    const named = await loadSigningKeys({ ...all, env: { [NAME]: hex }, isHeldCopy: true });
    expect(named.declareBoundary, "a key that somebody named is to be the right one").toBe(false);
  });
});
