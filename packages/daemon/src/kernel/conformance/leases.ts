import { expect, test } from "vitest";
import type { Lease, Op, Store } from "../store.ts";
import { event, land, NOW, type OpenFixture, put, range, refusal, useStore } from "./fixture.ts";

const LEASE_MS = 30_000;

function acquireOp(name: string, owner: string, nowMs = NOW): Op {
  return { op: "acquire-lease", name, owner, nowMs, leaseMs: LEASE_MS };
}
async function acquire(store: Store, name: string, owner: string, nowMs = NOW): Promise<Lease> {
  const { leases } = await land(store, [acquireOp(name, owner, nowMs)]);
  return leases[0] ?? expect.unreachable("no lease was given");
}
const release = ({ name, token }: Lease): Op => ({ op: "release-lease", name, token });
const renew = (owner: string, nowMs: number): Op => ({ op: "renew-owner", owner, nowMs, leaseMs: LEASE_MS });

export function leasesConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("a lease is taken when it is free and refused while another holds it", async () => {
    const { store } = subject;
    expect(await store.getLease("s")).toBeUndefined();
    const lease = await acquire(store, "s", "me");
    expect(lease).toEqual({ name: "s", owner: "me", token: expect.any(Number), expiresAtMs: NOW + LEASE_MS });
    expect(lease.token).toBeGreaterThan(0);
    expect(await store.getLease("s")).toEqual(lease);
    expect(await refusal(store, [put("a"), acquireOp("s", "you", NOW + LEASE_MS - 1)])).toEqual({
      ...{ ok: false, reason: "lease_held", op: 1 },
    });
    expect(await store.get("thing", "a")).toBeUndefined();
    expect(await store.getLease("s")).toEqual(lease);
    await acquire(store, "other", "you");
  });

  test("K6 every acquisition gives a greater token: by its owner, after expiry, after release, after a restart", async () => {
    const { store } = subject;
    const tokens = [
      await acquire(store, "s", "me"),
      await acquire(store, "s", "me", NOW + 1),
      await acquire(store, "s", "you", NOW + 1 + LEASE_MS),
    ];
    await land(store, [release(tokens[2] ?? expect.unreachable())]);
    expect(await store.getLease("s")).toBeUndefined();
    tokens.push(await acquire(store, "s", "me"));
    await land(store, [{ op: "release-owner", owner: "me" }]);
    tokens.push(await acquire(await subject.restart(), "s", "third"));
    const given = tokens.map(({ token }) => token);
    expect(given).toEqual([...new Set(given)].sort((a, b) => a - b));
  });

  test("K6 a commit under a stale token changes nothing", async () => {
    const { store } = subject;
    const old = await acquire(store, "s", "old");
    await land(store, [put("a", "old")], { fence: old });
    const current = await acquire(store, "s", "new", NOW + LEASE_MS);
    const write: Op[] = [put("a", "stale"), { op: "append", stream: "s", events: [event(1)] }];
    expect(await refusal(store, write, { fence: old })).toEqual({ ok: false, reason: "stale_fence", op: -1 });
    expect(await refusal(store, write, { fence: { name: "s", token: current.token + 1 } })).toMatchObject({
      op: -1,
    });
    expect(await refusal(store, write, { fence: { name: "none", token: current.token } })).toMatchObject({
      op: -1,
    });
    expect(await store.get("thing", "a")).toMatchObject({ data: "old" });
    expect(await store.streamHead("s")).toBe(0);
    await land(store, write, { fence: current });
    await land(store, [release(current)], { fence: current });
    expect(await refusal(store, write, { fence: current })).toMatchObject({ reason: "stale_fence" });
  });

  test("K6 a lease that ran out fences while nobody took it", async () => {
    const { store } = subject;
    const lease = await acquire(store, "s", "me");
    await land(store, [acquireOp("clock", "me", NOW + 10 * LEASE_MS)]);
    await land(store, [put("a")], { fence: lease });
  });

  test("K6 only the token that holds a lease releases it", async () => {
    const { store } = subject;
    const old = await acquire(store, "s", "me");
    const current = await acquire(store, "s", "me", NOW + 1);
    expect(await refusal(store, [put("a"), release(old)])).toEqual({
      ok: false,
      reason: "stale_fence",
      op: 1,
    });
    expect(await store.getLease("s")).toEqual(current);
    await land(store, [release(current)]);
    expect(await refusal(store, [release(current)])).toMatchObject({ reason: "stale_fence" });
  });

  test("K6 of many owners that acquire at once one wins", async () => {
    const [a, b] = await subject.pair();
    for (const round of range(3)) {
      const nowMs = NOW + round * LEASE_MS;
      const results = await Promise.all(
        range(40).map((index) => (index % 2 ? a : b).commit([acquireOp("s", `owner-${index}`, nowMs)])),
      );
      const [winner, ...others] = results.filter((result) => result.ok);
      expect(others).toEqual([]);
      expect(await a.getLease("s")).toEqual(winner?.leases[0]);
    }
  });

  test("K6 a writer that lost its lease in a race writes nothing after the new one", async () => {
    const [a, b] = await subject.pair();
    const old = await acquire(a, "s", "old");
    const append = (owner: string): Op => ({ op: "append", stream: "s", events: [event(owner)] });
    const stale = range(40).map(() => a.commit([append("old")], { fence: old }));
    const takeover = (async () => {
      const lease = await acquire(b, "s", "new", NOW + LEASE_MS);
      await Promise.all(range(10).map(() => land(b, [append("new")], { fence: lease })));
    })();
    const more = range(40).map(() => a.commit([append("old")], { fence: old }));
    const landed = (await Promise.all([...stale, ...more])).filter(({ ok }) => ok).length;
    await takeover;
    const writers = (await a.readStream("s")).map(({ data }) => data);
    expect(writers).toEqual([...range(landed).map(() => "old"), ...range(10).map(() => "new")]);
  });

  test("a renewed owner keeps its leases, one that ran out does not come back", async () => {
    const { store } = subject;
    await acquire(store, "a", "me");
    await acquire(store, "b", "me", NOW + 10);
    await acquire(store, "c", "you");
    await land(store, [renew("me", NOW + LEASE_MS)]);
    expect(await store.getLease("a")).toMatchObject({ expiresAtMs: NOW + LEASE_MS });
    expect(await store.getLease("b")).toMatchObject({ expiresAtMs: NOW + 2 * LEASE_MS });
    expect(await store.getLease("c")).toMatchObject({ expiresAtMs: NOW + LEASE_MS });
    await acquire(store, "a", "you", NOW + LEASE_MS);
    await refusal(store, [acquireOp("b", "you", NOW + LEASE_MS + 10)]);
  });

  test("renewing shortens no lease", async () => {
    const { store } = subject;
    await land(store, [
      { op: "acquire-lease", name: "long", owner: "me", nowMs: NOW, leaseMs: 10 * LEASE_MS },
    ]);
    await land(store, [renew("me", NOW + 1)]);
    expect(await store.getLease("long")).toMatchObject({ expiresAtMs: NOW + 10 * LEASE_MS });
  });

  test("the leases of a dead owner are free at once, its token is stale", async () => {
    const { store } = subject;
    const dead = [await acquire(store, "a", "dead"), await acquire(store, "b", "dead")];
    const alive = await acquire(store, "c", "alive");
    await land(store, [{ op: "release-owner", owner: "dead" }]);
    for (const lease of dead) {
      expect(await store.getLease(lease.name)).toBeUndefined();
      expect(await refusal(store, [put("x")], { fence: lease })).toMatchObject({ reason: "stale_fence" });
    }
    await land(store, [put("x")], { fence: alive });
  });
}
