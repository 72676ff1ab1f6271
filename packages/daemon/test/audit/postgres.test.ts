import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSynchronousSigner, type RingKeys } from "../../src/governance/audit/index.ts";
import { openPostgresStore } from "../../src/kernel/postgres/index.ts";
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

  test("02-R81 a daemon with another key does not join them", async () => {
    const url = await server.createDatabase();
    await daemonOn(url);
    const stranger = { signer: createSynchronousSigner(Buffer.alloc(32, 8)) };
    await expect(daemonOn(url, stranger)).rejects.toThrow("daemons on one store share it");
  });
});
