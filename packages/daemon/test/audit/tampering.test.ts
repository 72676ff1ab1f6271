import { afterEach, describe, expect, test } from "vitest";
import { AuditRefused } from "../../src/engine/index.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { SIGNER, verified } from "./support.ts";

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
  return findings.map(({ code, bucket, record }) => [code, bucket, record]);
}

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
      `UPDATE events SET data = replace(replace(data, '"ok"', '"no"'), substr(data, instr(data, '"hash":"') + 8, 8), '00000000')
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
    expect(await world.audit.actionsOf("run-1")).toHaveLength(9);
  });

  test("what has left already is not held up: its outcome goes unrecorded, and is counted", async () => {
    await tampered(edit);
    await world.commit({ run_id: "run-2", phase: "response", kind: "shell", target: "bash", outcome: "ok" });
    expect(await world.audit.status()).toMatchObject({ ok: false, unrecorded_outcome_count: 1 });
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
