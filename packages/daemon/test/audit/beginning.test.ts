import { afterEach, describe, expect, test } from "vitest";
import { BUCKET_KIND, bucketStream } from "../../src/governance/audit/stored.ts";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { SIGNER, verified } from "./support.ts";

let world: LedgerWorld | undefined;
afterEach(() => world?.remove());

/** Between the two reads by which a bucket is looked at, in whichever order they come, something happens once. */
function between(inner: Store, bucket: string, happen: () => Promise<unknown>): Store {
  let reads = 0;
  const count = async () => {
    reads += 1;
    if (reads === 2) await happen();
  };
  return around(inner, {
    get: async (kind, id) => {
      if (kind === BUCKET_KIND && id === bucket) await count();
      return inner.get(kind, id);
    },
    readStream: async (stream, options) => {
      if (stream === bucketStream(bucket)) await count();
      return inner.readStream(stream, options);
    },
  });
}

/** Two daemons on one store, and `other` does something when `one` has half looked at the bucket. */
async function daemonsAt(bucket: string, act: (other: LedgerWorld) => Promise<unknown>) {
  const other = await LedgerWorld.open();
  world = other;
  const one = await LedgerWorld.open({ store: between(other.store, bucket, () => act(other)) });
  return { one, other };
}

describe("another daemon begins a bucket while this one looks whether there is one", () => {
  test("02-R78: it is no damage, and the change of each is recorded", async () => {
    const { one, other } = await daemonsAt("unscoped", (daemon) => daemon.change("of the other"));
    await one.change("of this one");
    expect(await one.audit.status()).toMatchObject({ ok: true, damaged_buckets: [] });
    await other.anchored();
    expect(await verified(await other.exported(), { trustedKeyIds: [SIGNER.keyId] })).toMatchObject({
      ok: true,
      records: 2,
    });
  });

  test("02-R79: whoever reads it is told what there was, and of no damage", async () => {
    const { one } = await daemonsAt("run-1", (daemon) => daemon.act("run-1"));
    expect((await one.audit.actionsOf("run-1")).records).toHaveLength(3);
    expect((await one.audit.actionsOf("run-1")).records).toHaveLength(3);
  });
});
