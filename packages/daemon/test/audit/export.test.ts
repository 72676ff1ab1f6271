import { afterEach, describe, expect, test } from "vitest";
import { createSynchronousSigner } from "../../src/governance/audit/index.ts";
import { LedgerWorld } from "./ledger-world.ts";
import { codesOf, SIGNER, verified } from "./support.ts";

const worlds: LedgerWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});

async function world(options: Parameters<typeof LedgerWorld.open>[0] = {}): Promise<LedgerWorld> {
  const made = await LedgerWorld.open(options);
  worlds.push(made);
  return made;
}

const trusted = { trustedKeyIds: [SIGNER.keyId] };
const OTHER = createSynchronousSigner(Buffer.alloc(32, 3));
const THIRD = createSynchronousSigner(Buffer.alloc(32, 4));

/** Three runs, an operator's change, and anchors between them. */
async function busy(): Promise<LedgerWorld> {
  const made = await world();
  await made.act("run-1", 3);
  await made.anchored();
  await made.act("run-2", 4);
  await made.change("incident 7");
  await made.anchored();
  await made.act("run-1", 2);
  await made.act("run-3");
  return made;
}

function linesOf(file: string, type: string): { [member: string]: unknown }[] {
  return file
    .split("\n")
    .filter((line) => line.startsWith(`{"type":"${type}"`))
    .map((line) => JSON.parse(line) as { [member: string]: unknown });
}

describe("an export", () => {
  test("02-A1 of everything verifies with nothing but the public key, signature by signature", async () => {
    const made = await busy();
    const file = await made.exported();
    const report = await verified(file, { ...trusted, everySignature: true });
    expect(report).toMatchObject({
      ok: true,
      findings: [],
      notes: [],
      buckets: 4,
      records: 9 + 12 + 1 + 6 + 3,
      keys: 1,
      anchors: 3,
    });
    expect(report.pages).toBeGreaterThan(2);
    expect(report.signatures_checked).toBeGreaterThan(report.records);
    const quick = await verified(file, trusted);
    expect(quick).toMatchObject({ ok: true, records: report.records });
    expect(quick.signatures_checked).toBeLessThan(report.signatures_checked);
    // Threads say the same.
    expect(await verified(file, { ...trusted, threads: 2 })).toEqual(quick);
  });

  test("02 weakness 11: segments of a bucket are sealed as it grows", async () => {
    const file = await (await busy()).exported();
    expect(linesOf(file, "checkpoint").map(({ checkpoint }) => checkpoint)).toMatchObject([
      { bucket: "run-1", record_count: 5 },
      { bucket: "run-1", record_count: 9 },
      { bucket: "run-1", record_count: 14 },
      { bucket: "run-2", record_count: 5 },
      { bucket: "run-2", record_count: 9 },
    ]);
  });

  test("02 weakness 6: an operator's change tells who, under which request, and why", async () => {
    const file = await (await busy()).exported();
    const [change] = linesOf(file, "record").filter(({ bucket }) => bucket === "unscoped");
    expect(change).toMatchObject({
      record: {
        principal_id: "admin",
        kind: "admin_change",
        phase: "applied",
        target: "runtime/permission_mode",
      },
      detail: { request_id: "req_1", reason: "incident 7", change: { to: "plan" } },
    });
    const forged = file.replace("incident 7", "incident 8");
    const { findings } = await verified(forged, trusted);
    expect(findings[0]).toMatchObject({ code: "detail_changed", bucket: "unscoped", record: 1 });
  });

  test("02-A1 of a run or a session holds its buckets alone, and shows when they were cut", async () => {
    const made = await busy();
    for (const selection of [{ run_id: "run-2" }, { session_id: "s-run-2" }]) {
      const file = await made.exported(selection);
      expect(await verified(file, trusted)).toMatchObject({ ok: true, buckets: 1, records: 12 });
    }
    expect(await verified(await made.exported({ run_id: "run-9" }), trusted)).toMatchObject({
      ok: true,
      buckets: 0,
    });
  });

  test("02-A1 since a time begins at the last sealed segment before it", async () => {
    const made = await world();
    await made.act("run-1", 6);
    await made.act("run-2", 2);
    await made.anchored();
    const since = made.clock.now();
    await made.act("run-1", 1);
    const file = await made.exported({ since_ms: since });
    const report = await verified(file, trusted);
    expect(report).toMatchObject({ ok: true, findings: [], buckets: 1 });
    expect(linesOf(file, "record").map(({ number }) => number)).toEqual(
      [18, 19, 20, 21].slice(-report.records),
    );
    expect(report.records).toBeLessThan(10);
  });

  test("goes on while more is written, and holds what it began with", async () => {
    const made = await busy();
    const first = await made.audit.exportPage({});
    await made.act("run-2", 3);
    await made.act("run-4", 1);
    const lines = [...first.lines];
    for (let cursor = first.next_cursor; cursor !== null; ) {
      const page = await made.audit.exportPage({ cursor });
      lines.push(...page.lines);
      cursor = page.next_cursor;
    }
    const report = await verified(lines.map((line) => `${line}\n`).join(""), trusted);
    expect(report).toMatchObject({ ok: true, buckets: 4, records: 31 });
  });

  test("of an empty ledger says so", async () => {
    expect(await verified(await (await world()).exported(), trusted)).toMatchObject({ ok: true, records: 0 });
  });

  test("without a public key says that the file only agrees with itself", async () => {
    const report = await verified(await (await busy()).exported());
    expect(report).toMatchObject({ ok: true, notes: [expect.stringContaining(SIGNER.keyId)] });
  });

  test("of another daemon does not pass for one of ours", async () => {
    const made = await world({ keys: { signer: OTHER } });
    await made.act("run-1");
    const report = await verified(await made.exported(), trusted);
    expect(codesOf(report)).toEqual(["key_untrusted"]);
  });
});

describe("02 weakness 10: the key ring", () => {
  async function rolled(keys: Parameters<typeof LedgerWorld.open>[0]) {
    const before = await world();
    await before.act("run-1", 2);
    await before.close();
    const after = await world({ after: before, ...keys });
    await after.act("run-1", 2);
    return after;
  }

  test("a key that its predecessor hands over to is trusted, whichever of the two is known", async () => {
    const after = await rolled({ keys: { signer: OTHER, previous: SIGNER } });
    const file = await after.exported();
    for (const key of [SIGNER, OTHER]) {
      const report = await verified(file, { trustedKeyIds: [key.keyId], everySignature: true });
      expect(report).toMatchObject({ ok: true, keys: 2, records: 12, notes: [] });
    }
    expect(codesOf(await verified(file, { trustedKeyIds: [THIRD.keyId] }))).toContain("key_untrusted");
    expect((await after.audit.keyRing()).keys).toMatchObject([
      { key_id: SIGNER.keyId, origin: "first" },
      { key_id: OTHER.keyId, origin: "rollover", previous_key_id: SIGNER.keyId },
    ]);
  });

  test("02-R81 another key is refused, and may be declared as a boundary that shows", async () => {
    await expect(rolled({ keys: { signer: OTHER } })).rejects.toThrow(
      /signed by key [0-9a-f]{64}, and the key given/,
    );
    await expect(rolled({ keys: { signer: OTHER, previous: THIRD } })).rejects.toThrow("hand over");
    const after = await rolled({ keys: { signer: OTHER, declareBoundary: true } });
    const file = await after.exported();
    const both = await verified(file, { trustedKeyIds: [SIGNER.keyId, OTHER.keyId] });
    expect(both).toMatchObject({ ok: true, notes: [expect.stringContaining("key 2 was declared")] });
    expect(codesOf(await verified(file, { trustedKeyIds: [OTHER.keyId] }))).toEqual(["key_untrusted"]);
  });
});
