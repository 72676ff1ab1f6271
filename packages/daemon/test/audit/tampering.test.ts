import type { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { AuditRefused, type ExternalAction } from "../../src/engine/index.ts";
import { createSynchronousSigner } from "../../src/governance/audit/index.ts";
import { actionsIn, rowsOf } from "../../src/governance/audit/rows.ts";
import { type ChainPoint, chainActions } from "../../src/governance/audit/stored.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { journalReport, SIGNER, verified } from "./support.ts";

const trusted = { trustedKeyIds: [SIGNER.keyId] };
const stream = (name: string) => `(SELECT id FROM streams WHERE name = '${name}')`;

let world: LedgerWorld;
afterEach(() => world.remove());

/** Two runs and a change, anchored; then somebody writes to the store. */
async function tampered(sql: string): Promise<LedgerWorld> {
  world = await LedgerWorld.open();
  await world.act("run-1", 3);
  await world.anchored();
  await world.act("run-2", 4);
  await world.anchored();
  await world.change("because");
  await world.anchored();
  world = await world.tampered(sql);
  return world;
}

async function found(): Promise<[string, string | undefined, number | undefined][]> {
  const { ok, findings } = await verified(await world.exported(), trusted);
  expect(ok).toBe(findings.length === 0);
  expect((await journalReport(world.store)).ok, "a backup's audit is verified by its journal").toBe(ok);
  return findings.map(({ code, bucket, record }) => [code, bucket, record]);
}

/** Rewrites the records of a bucket from an event on, so that they say something else and are a chain again. */
function forge(db: DatabaseSync, bucket: string, fromSeq: number): void {
  const rows = db
    .prepare(
      `SELECT seq, type, at_ms, data FROM events WHERE stream_id = ${stream(`audit/${bucket}`)} ORDER BY seq`,
    )
    .all() as { seq: number; type: string; at_ms: number; data: string }[];
  let point: ChainPoint = { count: 0 };
  for (const { seq, type, at_ms: atMs, data } of rows) {
    if (type !== "actions") continue;
    const { first, scope, records } = actionsIn(JSON.parse(data));
    let forged = records;
    if (seq >= fromSeq) {
      const actions = records.map(({ hash, ...action }) => ({ ...scope, ...action, target: "dash" }));
      forged = chainActions(point, scope, actions, atMs).records;
      db.prepare(`UPDATE events SET data = ? WHERE stream_id = ${stream(`audit/${bucket}`)} AND seq = ?`).run(
        JSON.stringify(rowsOf({ first, scope, records: forged })),
        seq,
      );
    }
    point = { count: point.count + records.length, hash: forged.at(-1)?.hash ?? "" };
  }
}

const FIRST: ExternalAction = {
  begins: true,
  phase: "request",
  kind: "provider_request",
  target: "simulator",
};

const oneMore = () => world.act("run-2");

describe("02 weakness 10: what somebody did to the store is found, and where", () => {
  test("a record that was edited", async () => {
    await tampered(
      `UPDATE events SET data = replace(data, '"bash"', '"dash"') WHERE stream_id = ${stream("audit/run-1")} AND seq = 5`,
    );
    expect(await found()).toEqual([["record_changed", "run-1", 6]]);
  });

  test("a record that was edited together with its hash", async () => {
    await tampered(
      `UPDATE events SET data = replace(replace(data, '"ok"', '"no"'), substr(data, instr(data, '"ok","') + 6, 8), '00000000')
       WHERE stream_id = ${stream("audit/run-1")} AND seq = 2`,
    );
    expect((await found()).map(([code, bucket]) => [code, bucket])).toContainEqual([
      "record_changed",
      "run-1",
    ]);
  });

  test("a commit that is gone from the middle", async () => {
    await tampered(`DELETE FROM events WHERE stream_id = ${stream("audit/run-1")} AND seq = 5`);
    expect(await found()).toContainEqual(["record_out_of_order", "run-1", 7]);
  });

  test("the end of a bucket", async () => {
    await tampered(`DELETE FROM events WHERE stream_id = ${stream("audit/run-2")} AND seq >= 9`);
    expect((await found()).map(([code, bucket]) => [code, bucket])).toEqual([["bucket_cut", "run-2"]]);
  });

  test("a whole bucket, with everything that names it but the anchors", async () => {
    await tampered(
      `DELETE FROM events WHERE stream_id = ${stream("audit/run-1")};
       DELETE FROM records WHERE kind = 'audit_bucket' AND id = 'run-1'`,
    );
    expect(await found()).toEqual([["bucket_missing", "run-1", undefined]]);
  });

  test("an anchor", async () => {
    await tampered(`DELETE FROM events WHERE stream_id = ${stream("audit-anchors")} AND seq = 2`);
    expect((await found())[0]?.[0]).toBe("anchor_broken");
  });

  test("all anchors together with a bucket, by whoever remembers one of them", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1");
    await world.act("run-2");
    await world.anchored();
    const { anchor } = await verified(await world.exported(), trusted);
    world = await world.tampered(
      `DELETE FROM events WHERE stream_id IN (${stream("audit-anchors")}, ${stream("audit/run-1")});
       DELETE FROM records WHERE kind = 'audit_bucket' AND id = 'run-1'`,
    );
    const file = await world.exported();
    expect(await verified(file, trusted)).toMatchObject({ ok: true, buckets: 1 });
    const { findings } = await verified(file, { ...trusted, ...(anchor && { expectedAnchor: anchor }) });
    expect(findings).toMatchObject([{ code: "anchor_broken", message: expect.stringContaining("set back") }]);
  });

  test("a forged record at the end: whoever has no key cannot continue the chain", async () => {
    await tampered(
      `INSERT INTO events (stream_id, seq, type, at_ms, data)
       SELECT stream_id, 9, type, at_ms, replace(data, '"first":9', '"first":10') FROM events
       WHERE stream_id = ${stream("audit/run-1")} AND seq = 8 - 1 LIMIT 1`,
    );
    expect((await found()).map(([, bucket]) => bucket)).toContain("run-1");
  });
});

describe("02-R78 02-R80: a bucket that does not verify", () => {
  const edit = `UPDATE events SET data = replace(data, '"bash"', '"dash"') WHERE stream_id = ${stream("audit/run-2")} AND seq = 10`;

  test("is refused at its first use, the others go on, and health says so until it is put right", async () => {
    await tampered(edit);
    await expect(oneMore()).rejects.toThrow(AuditRefused);
    await expect(oneMore()).rejects.toThrow(/audit of 'run-2' does not verify: record \d+ was changed/);
    await world.act("run-1");
    await world.clock.advance(1_000);
    expect(await world.audit.status()).toMatchObject({
      ok: false,
      damaged_buckets: [{ bucket: "run-2", reason: expect.stringContaining("record") }],
      refused_action_count: 4,
    });
    world = await world.tampered(edit.replace(`'"bash"', '"dash"'`, `'"dash"', '"bash"'`));
    await oneMore();
    expect(await world.audit.status()).toMatchObject({ ok: true, damaged_buckets: [] });
  });

  test("02 weakness 11: a daemon that runs sees by itself that a bucket was put right", async () => {
    await tampered(edit);
    await expect(oneMore()).rejects.toThrow(AuditRefused);
    world.mend(edit.replace(`'"bash"', '"dash"'`, `'"dash"', '"bash"'`));
    await expect(oneMore()).rejects.toThrow(AuditRefused);
    await world.clock.advance(1_000);
    expect(await world.audit.status()).toMatchObject({ ok: true, damaged_buckets: [] });
    await oneMore();
  });

  test("02-R79 is told as an error by whoever lists it, never in part", async () => {
    await tampered(edit);
    await expect(world.audit.actionsOf("run-2")).rejects.toMatchObject({
      domain: "audit",
      code: "audit_verification_failed",
      status: 500,
    });
    expect((await world.audit.actionsOf("run-1")).records).toHaveLength(9);
  });

  test("what has left already is not held up: its outcome goes unrecorded, and is counted", async () => {
    await tampered(edit);
    await world.commit({ run_id: "run-2", phase: "response", kind: "shell", target: "bash", outcome: "ok" });
    expect(await world.audit.status()).toMatchObject({ ok: false, unrecorded_outcome_count: 1 });
  });

  test("02-R79 was rewritten with every hash that follows, as whoever knows the format can: the anchor knows better", async () => {
    await tampered("");
    world = await world.tampered((db) => forge(db, "run-2", 9));
    const reason = "record 12 is not the one that anchor 2 signed";
    await expect(oneMore()).rejects.toThrow(reason);
    await expect(world.audit.actionsOf("run-2")).rejects.toThrow(reason);
    expect(await found()).toEqual([["record_changed", "run-2", 12]]);
  });

  test("02-R79 was cut where it ended: the anchor counts what there was", async () => {
    await tampered(`DELETE FROM events WHERE stream_id = ${stream("audit/run-2")} AND seq > 9`);
    await expect(oneMore()).rejects.toThrow("anchor 2 counts 12 records, there are 11: it was cut");
  });

  test("02-R79 stands under an anchor that was changed with it: the anchor does not hold", async () => {
    await tampered(
      `UPDATE events SET data = replace(data, '"run-2",12', '"run-2",11') WHERE stream_id = ${stream("audit-anchors")} AND seq = 2;
       DELETE FROM events WHERE stream_id = ${stream("audit/run-2")} AND seq > 9`,
    );
    await expect(oneMore()).rejects.toThrow("anchor 2 was changed");
  });

  test("02-R78 is met where a new one was expected: it is read first, and its chain goes on", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1");
    world = await world.tampered("");
    await world.commit({ ...FIRST, run_id: "run-1" });
    await world.commit({ ...FIRST, run_id: "run-2" });
    expect((await world.audit.actionsOf("run-1")).records).toHaveLength(4);
    expect(await found()).toEqual([]);
  });

  test("02-R78 is gone where a new one was expected: nothing is written in its place", async () => {
    await tampered(`DELETE FROM events WHERE stream_id = ${stream("audit/run-1")};
      DELETE FROM streams WHERE name = 'audit/run-1'`);
    await expect(world.commit({ ...FIRST, run_id: "run-1" })).rejects.toThrow("its records are gone");
  });

  test("02-R78 is read from its last checkpoint on, not from its beginning", async () => {
    await tampered(
      `UPDATE events SET data = replace(data, '"bash"', '"dash"') WHERE stream_id = ${stream("audit/run-2")} AND seq = 1`,
    );
    await oneMore();
    expect(await world.audit.status()).toMatchObject({ ok: true });
    expect((await found())[0]).toEqual(["record_changed", "run-2", 1]);
  });
});

describe("a restored copy that holds still", () => {
  test("02-R81 chains what its operators do and signs nothing; the next daemon verifies and anchors it", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1", 2);
    await world.anchored();
    await world.close();
    const stranger = { signer: createSynchronousSigner(Buffer.alloc(32, 8)), declareBoundary: true };
    world = await LedgerWorld.open({ after: world, keys: stranger, holds: true });
    const head = await world.store.streamHead("audit-anchors");
    for (let change = 0; change < 6; change++) await world.change(`change ${change}`);
    await world.anchored();
    expect(await world.audit.status()).toMatchObject({ ok: true, unsigned_bucket_count: 1 });
    expect(await world.store.streamHead("audit-anchors")).toBe(head);
    expect((await world.audit.keyRing()).keys).toHaveLength(1);
    await expect(world.audit.actionsOf("run-1")).rejects.toMatchObject({ code: "audit_unavailable" });
    await world.close();

    world = await LedgerWorld.open({ after: world, keys: stranger });
    await world.anchored();
    expect((await world.audit.keyRing()).keys.map(({ origin }) => origin)).toEqual(["first", "boundary"]);
    const trusted = { trustedKeyIds: [SIGNER.keyId, stranger.signer.keyId], everySignature: true };
    expect(await verified(await world.exported(), trusted)).toMatchObject({ ok: true, records: 12 });
  });

  test("02-R81 with a key that is to be the right one and is not, it does not start", async () => {
    world = await LedgerWorld.open();
    await world.close();
    const keys = { signer: createSynchronousSigner(Buffer.alloc(32, 8)) };
    await expect(LedgerWorld.open({ after: world, keys, holds: true })).rejects.toThrow("is another one");
    world = await LedgerWorld.open({ after: world });
  });
});

describe("02-R79: records that no anchor has seen yet", () => {
  test("are told as chained and not yet signed, and a second later as signed", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1");
    await world.anchored();
    await world.act("run-1");
    const { records, unsignedCount } = await world.audit.actionsOf("run-1");
    expect([records.length, unsignedCount]).toEqual([6, 3]);
    expect(await world.audit.status()).toMatchObject({ unsigned_bucket_count: 1 });
    await world.anchored();
    expect(await world.audit.actionsOf("run-1")).toMatchObject({ unsignedCount: 0 });
    expect(await world.audit.status()).toMatchObject({ unsigned_bucket_count: 0 });
  });

  test("are verified by the next daemon when theirs is gone, and anchored", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1", 2);
    world = await world.tampered("");
    expect(await world.audit.status()).toMatchObject({ ok: true, unsigned_bucket_count: 1 });
    await world.anchored();
    expect(await world.audit.status()).toMatchObject({ unsigned_bucket_count: 0, anchored: { number: 1 } });
    expect(await world.audit.actionsOf("run-1")).toMatchObject({ unsignedCount: 0 });
  });

  test("do not hide what was done to them meanwhile: the next daemon's health says so at once", async () => {
    world = await LedgerWorld.open();
    await world.act("run-1");
    world = await world.tampered(
      `UPDATE events SET data = replace(data, '"bash"', '"dash"') WHERE stream_id = ${stream("audit/run-1")} AND seq = 1`,
    );
    expect(await world.audit.status()).toMatchObject({ ok: false, damaged_buckets: [{ bucket: "run-1" }] });
    expect((await found())[0]).toEqual(["record_changed", "run-1", 1]);
  });
});
