import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createSynchronousSigner,
  loadSigningKeys,
  type RingKeys,
  SHARED_KEY_KIND,
} from "../../src/governance/audit/index.ts";
import type { KeyPorts } from "../../src/governance/audit/keys/load.ts";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
import { systemRandom } from "../../src/kernel/random.ts";
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

  test("02-R81 a daemon with another key does not join them", async () => {
    const url = await server.createDatabase();
    await daemonOn(url);
    const stranger = { signer: createSynchronousSigner(Buffer.alloc(32, 8)) };
    await expect(daemonOn(url, stranger)).rejects.toThrow("daemons on one store share it");
  });
});
