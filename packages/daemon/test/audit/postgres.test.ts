import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createSynchronousSigner,
  loadSigningKeys,
  type RingKeys,
  SHARED_KEY_KIND,
} from "../../src/governance/audit/index.ts";
import type { KeyPorts } from "../../src/governance/audit/keys/load.ts";
import { unaudited } from "../../src/governance/audit/testing.ts";
import { keyNumber } from "../../src/governance/secrets/vault.fixture.ts";
import { Vault } from "../../src/governance/secrets/vault.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
import { systemRandom } from "../../src/kernel/random.ts";
import { findLeaks } from "../support/no-leak.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { SIGNER, verified } from "./support.ts";

let server: PostgresServer;
const worlds: LedgerWorld[] = [];
const trusted = { trustedKeyIds: [SIGNER.keyId] };

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});
afterAll(() => server.stop());

async function daemonOn(url: string, keys: RingKeys = { signer: SIGNER }): Promise<LedgerWorld> {
  const world = await LedgerWorld.open({ store: await openPostgresStore({ url }), keys });
  worlds.push(world);
  return world;
}

describe("several daemons on one PostgreSQL", () => {
  test("02-R75 02 weakness 10: share the buckets, the anchors and the key, and any of them exports it all", async () => {
    const url = await server.createDatabase();
    const [one, other] = await Promise.all([daemonOn(url), daemonOn(url)]);
    if (one === undefined || other === undefined) throw new Error("no daemons");
    const both = [one, other];
    for (let round = 0; round < 3; round++) {
      // The bucket of nobody is written by both at one time; each has runs of its own, and one that passes on.
      await Promise.all(
        both.map(async (world, index) => {
          await world.change(`round ${round} of ${index}`);
          await world.act(`run-${index}`, 2);
        }),
      );
      await (round % 2 === 0 ? one : other).act("run-shared");
      await Promise.all(both.map((world) => world.anchored()));
    }
    for (const world of both) {
      const report = await verified(await world.exported(), { ...trusted, everySignature: true });
      expect(report).toMatchObject({ ok: true, findings: [], buckets: 4, records: 6 + 2 * 18 + 9, keys: 1 });
    }
    expect((await other.audit.actionsOf("run-0")).records).toHaveLength(18);
  });

  test("02-R81 of those that nobody gave a key the first makes one, in the database, and all of them sign with it", async () => {
    const url = await server.createDatabase();
    const store = await openPostgresStore({ url });
    const files: string[] = [];
    const ports: KeyPorts = {
      env: {},
      store,
      isHeldCopy: false,
      masterKey: undefined,
      keyFile: "/state/audit-signing.key",
      random: systemRandom,
      readFile: async () => undefined,
      writeFile: async (path) => void files.push(path),
      warn: () => undefined,
      holdSecrets: () => undefined,
    };
    const loaded = await Promise.all([1, 2, 3].map(() => loadSigningKeys(ports)));
    const ids = loaded.map(({ signer }) => signer.keyId);
    expect(new Set(ids).size).toBe(1);
    const [first] = loaded;
    if (first !== undefined) await daemonOn(url, first);
    expect((await loadSigningKeys(ports)).signer.keyId).toBe(ids[0]);
    await store.commit([{ op: "delete", kind: SHARED_KEY_KIND, id: "current" }]);
    await expect(loadSigningKeys(ports), "lost, it is not simply made anew").rejects.toThrow("is missing");
    expect(files).toEqual([]);
    await store.close();
  });

  test("02-R81 02, weakness 10: the key that they share is sealed under the master key, and a change of that takes it along", async () => {
    const url = await server.createDatabase();
    const [store, other] = await Promise.all([openPostgresStore({ url }), openPostgresStore({ url })]);
    const warnings: string[] = [];
    const portsOn = (on: typeof store, masterKey: KeyPorts["masterKey"]): KeyPorts => ({
      env: {},
      store: on,
      isHeldCopy: false,
      masterKey,
      keyFile: "/state/audit-signing.key",
      random: systemRandom,
      readFile: async () => undefined,
      writeFile: async () => undefined,
      warn: (message) => warnings.push(message),
      holdSecrets: () => undefined,
    });
    const stored = async () => JSON.stringify((await store.get(SHARED_KEY_KIND, "current"))?.data);
    // As daemons left it that knew of no master key: in the clear, and warned of.
    const plain = await loadSigningKeys(portsOn(store, undefined));
    const secret = /"secret_key_hex":"([0-9a-f]{64})"/.exec(await stored())?.[1] ?? "";
    expect(secret).not.toBe("");
    expect(warnings.splice(0)).toEqual([expect.stringContaining("give the daemons a master key")]);

    // Two daemons that are started at once with one seal it, and sign with what was there.
    const both = await Promise.all([store, other].map((on) => loadSigningKeys(portsOn(on, keyNumber(1)))));
    for (const { signer } of both) expect(signer.keyId).toBe(plain.signer.keyId);
    expect(warnings).toEqual([]);
    expect(await findLeaks({ key: secret }, { texts: { record: await stored() } })).toEqual([]);
    await expect(loadSigningKeys(portsOn(store, undefined))).rejects.toThrow("this daemon has none");
    await expect(loadSigningKeys(portsOn(store, keyNumber(2)))).rejects.toThrow("need the same one");

    // A change of the master key at one of them.
    const vault = new Vault({
      store,
      audit: unaudited(store),
      clock: systemClock,
      random: systemRandom,
      masterKey: keyNumber(1),
    });
    await vault.start();
    const sealedBefore = await stored();
    await vault.rekey(keyNumber(2), { actor: "test" });
    expect(await stored()).not.toBe(sealedBefore);
    // Until a start confirms it either key opens it, at the other daemon too; then only the new one.
    for (const key of [keyNumber(1), keyNumber(2)])
      expect((await loadSigningKeys(portsOn(other, key))).signer.keyId).toBe(plain.signer.keyId);
    const confirming = new Vault({
      store: other,
      audit: unaudited(other),
      clock: systemClock,
      random: systemRandom,
      masterKey: keyNumber(2),
    });
    await confirming.start();
    await expect(loadSigningKeys(portsOn(store, keyNumber(1)))).rejects.toThrow("need the same one");
    expect((await loadSigningKeys(portsOn(store, keyNumber(2)))).signer.keyId).toBe(plain.signer.keyId);
    await Promise.all([store.close(), other.close()]);
  });

  test("02-R81 where there is a master key the first daemon makes the key sealed", async () => {
    const store = await openPostgresStore({ url: await server.createDatabase() });
    const seeds: string[] = [];
    const ports: KeyPorts = {
      env: {},
      store,
      isHeldCopy: false,
      masterKey: keyNumber(1),
      keyFile: "/state/audit-signing.key",
      random: { ...systemRandom, hex: (bytes) => seeds[seeds.push(systemRandom.hex(bytes)) - 1] ?? "" },
      readFile: async () => undefined,
      writeFile: async () => undefined,
      warn: (message) => {
        throw new Error(message);
      },
      holdSecrets: () => undefined,
    };
    const ids = await Promise.all([1, 2, 3].map(async () => (await loadSigningKeys(ports)).signer.keyId));
    expect(new Set(ids).size).toBe(1);
    const kept = JSON.stringify((await store.get(SHARED_KEY_KIND, "current"))?.data);
    for (const seed of seeds.filter((one) => one.length === 64)) expect(kept).not.toContain(seed);
    await store.close();
  });

  test("02-R81 a daemon with another key does not join them", async () => {
    const url = await server.createDatabase();
    await daemonOn(url);
    const stranger = { signer: createSynchronousSigner(Buffer.alloc(32, 8)) };
    await expect(daemonOn(url, stranger)).rejects.toThrow("daemons on one store share it");
  });
});
