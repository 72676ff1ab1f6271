import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";
import { actionsOf, bucketStream } from "../audit/stored.ts";
import { testLedger } from "../audit/testing.ts";
import { keyNumber, openAiSlot, random, useVaults } from "../secrets/vault.fixture.ts";
import { AUTH_STREAM, Vault } from "../secrets/vault.ts";
import { Broker, type Leased, sessionSubject } from "./broker.ts";
import { Leases } from "./leases.ts";

const vaults = useVaults();
const by = { actor: "admin" };
const admin = { principal: "admin" };
const subject_id = sessionSubject("s");
const audience = { type: "route", route_id: "main", slot_id: "a" } as const;

async function scene(given?: { store: Store; clock: SimulatedClock }) {
  const store = given?.store ?? (await vaults.store()).store;
  const clock = given?.clock ?? new SimulatedClock();
  const audit = testLedger(store, clock);
  const vault = new Vault({ store, audit, clock, random, masterKey: keyNumber(1) });
  await vault.start();
  const broker = new Broker({ store, audit, clock, vault });
  await broker.start();
  if (given === undefined) await vault.put(openAiSlot("a", "the-secret-of-a"), by);
  return { store, clock, vault, broker };
}

const issued = (leased: Leased) => {
  if (!leased.ok) throw new Error(leased.message);
  return leased.lease;
};

describe("02-R64: a credential is resolved in this order", () => {
  it("slot, scope, subject, and only then a lease and the secret", async () => {
    const { vault, broker, store } = await scene();
    const narrow = { route_deny: ["*"] };
    const codeOf = async (scope?: object, slot_id = "a") => {
      const leased = await broker.lease({ subject_id, audience: { ...audience, slot_id }, scope });
      return leased.ok ? "leased" : leased.code;
    };
    await store.commit([{ op: "put", kind: "session", id: "s", data: {}, keys: {} }]);
    await broker.revokeSubject(subject_id, admin);
    await vault.disable("a", "leaked", by);
    expect(await codeOf(narrow, "none")).toBe("slot_missing");
    expect(await codeOf(narrow)).toBe("slot_disabled");
    await vault.enable("a", by);
    expect(await codeOf(narrow)).toBe("scope_denied");
    expect(await codeOf()).toBe("subject_revoked");
    await broker.reinstateSubject(subject_id, admin);
    expect(await codeOf({ route_allow: ["main"] })).toBe("leased");
  });
});

describe("02-R66: a lease may be used", () => {
  it("until it expires", async () => {
    const { broker, clock } = await scene();
    const lease = issued(await broker.lease({ subject_id, audience, scope: undefined }));
    await clock.advance(59_999);
    expect(broker.endOf(lease)).toBeUndefined();
    await clock.advance(1);
    expect(broker.endOf(lease)).toBe("lease_over");
    expect(() => broker.leaseStatus(lease.id)).toThrow(/no lease/);
  });

  it.each<[string, (world: Awaited<ReturnType<typeof scene>>, leaseId: string) => Promise<unknown>, unknown]>(
    [
      ["it is revoked", ({ broker }, id) => broker.revokeLease(id, admin), "lease_over"],
      ["its slot's leases are revoked", ({ broker }) => broker.revokeSlotLeases("a", admin), "lease_over"],
      ["its slot is written", ({ vault }) => vault.put(openAiSlot("a", "another"), by), "lease_over"],
      ["its slot is deleted", ({ vault }) => vault.delete("a", by), "lease_over"],
      ["its slot is disabled", ({ vault }) => vault.disable("a", "why", by), { code: "slot_disabled" }],
      [
        "its subject is revoked",
        ({ broker }) => broker.revokeSubject(subject_id, admin),
        { code: "subject_revoked" },
      ],
    ],
  )("until %s", async (_name, end, expected) => {
    const world = await scene();
    const lease = issued(await world.broker.lease({ subject_id, audience, scope: undefined }));
    await end(world, lease.id);
    const actual = world.broker.endOf(lease);
    expect(typeof actual === "object" ? { code: actual.code } : actual).toEqual(expected);
  });

  it("not again once its subject was revoked, also after that was taken back", async () => {
    const { broker } = await scene();
    const lease = issued(await broker.lease({ subject_id, audience, scope: undefined }));
    await broker.revokeSubject(subject_id, admin);
    await broker.reinstateSubject(subject_id, admin);
    expect(broker.endOf(lease)).toBe("lease_over");
    const next = issued(await broker.lease({ subject_id, audience, scope: undefined }));
    expect(next.subject_epoch).toBe(1);
    expect(broker.endOf(next)).toBeUndefined();
  });
});

describe("02, weaknesses 4 and 6: what is written", () => {
  it("is nothing for leases, and one record for whoever was ever revoked, with who did it and why", async () => {
    const { broker, store } = await scene();
    const before = await store.head();
    for (let n = 0; n < 50; n++)
      await broker.lease({ subject_id: sessionSubject(`s-${n}`), audience, scope: undefined });
    expect(await store.head()).toBe(before);
    expect(await store.count("auth_subject", { index: "id" })).toBe(0);
    await broker.revokeSubject(sessionSubject("s-1"), { principal: "token:alice", reason: "odd" });
    await broker.reinstateSubject(sessionSubject("s-1"), { principal: "token:bob", reason: "a drill" });
    const events = (await store.readStream(AUTH_STREAM, {})).slice(-2).map(({ type, data }) => [type, data]);
    expect(events).toEqual([
      ["subject_revoked", { subject_id: "session:s-1", actor: "token:alice", epoch: 1, reason: "odd" }],
      ["subject_reinstated", { subject_id: "session:s-1", actor: "token:bob", epoch: 1, reason: "a drill" }],
    ]);
    expect(await store.count("auth_subject", { index: "id" })).toBe(1);
  });

  it("of whoever ends one lease, or those of a slot, a record of the signed audit", async () => {
    const { broker, store } = await scene();
    const lease = issued(await broker.lease({ subject_id, audience, scope: undefined }));
    await broker.revokeLease(lease.id, { principal: "token:alice", request_id: "req_1", reason: "odd" });
    await broker.revokeSlotLeases("a", admin);
    const records = (await store.readStream(bucketStream("unscoped"))).flatMap((event) => {
      const { scope, records } = actionsOf(event);
      return records.map(({ target, detail }) => [scope.principal_id, target, detail?.reason]);
    });
    expect(records.slice(-2)).toEqual([
      ["token:alice", `auth/leases/${lease.id}`, "odd"],
      ["admin", "secrets/a", undefined],
    ]);
  });

  it("a busy session holds two leases at most", () => {
    const leases = new Leases();
    for (let second = 0; second < 600; second++) leases.issue(subject_id, 0, audience, "{}", second * 1_000);
    expect(leases.of(subject_id, 599_000).length).toBeLessThanOrEqual(2);
  });
});

describe("02-R67: two daemons on one store", () => {
  it("a revocation by one holds for the other from its next lease on, and for its leases as soon as it has heard", async () => {
    const one = await scene();
    const other = await scene(one);
    const lease = issued(await other.broker.lease({ subject_id, audience, scope: undefined }));
    await one.store.commit([{ op: "put", kind: "session", id: "s", data: {}, keys: {} }]);
    await one.broker.revokeSubject(subject_id, admin);
    expect(other.broker.endOf(lease)).toBeUndefined();
    const [heard] = (await one.store.readStream(AUTH_STREAM, {})).slice(-1);
    if (heard !== undefined) await other.broker.follow(heard);
    expect(other.broker.endOf(lease)).toMatchObject({ code: "subject_revoked" });
    expect(await other.broker.lease({ subject_id, audience, scope: undefined })).toMatchObject({ ok: false });
  });
});
