import type { Json } from "@kheish/contract";
import { expect, test } from "vitest";
import type { ClaimOp, Op, QueueItem, Store } from "../store.ts";
import { land, NOW, type OpenFixture, range, refusal, useStore } from "./fixture.ts";

const LEASE_MS = 30_000;
const QUEUE = "work";

function enqueue(key: string, dueAtMs = NOW, payload: Json = key): Op {
  return { op: "enqueue", queue: QUEUE, key, dueAtMs, payload };
}
function claimOp(owner: string, nowMs = NOW, limit = 100): ClaimOp {
  return { op: "claim", queue: QUEUE, owner, nowMs, leaseMs: LEASE_MS, limit };
}
async function claim(store: Store, owner: string, nowMs = NOW, limit = 100): Promise<QueueItem[]> {
  return (await land(store, [claimOp(owner, nowMs, limit)])).claimed[0] ?? [];
}
async function claimOne(store: Store, owner: string, nowMs = NOW): Promise<QueueItem> {
  const [item] = await claim(store, owner, nowMs, 1);
  return item ?? expect.unreachable("nothing was due");
}
const complete = ({ key, token }: QueueItem): Op => ({ op: "complete", queue: QUEUE, key, token });
const check = ({ key, token }: QueueItem): Op => ({ op: "check-claim", queue: QUEUE, key, token });
const bury = ({ key, token }: QueueItem, error = "gave up"): Op => ({
  ...{ op: "bury", queue: QUEUE, key, token, error },
});
const retry = ({ key, token }: QueueItem, dueAtMs: number, error?: string, resetAttempts?: boolean): Op => ({
  ...{ op: "retry", queue: QUEUE, key, token, dueAtMs },
  ...(error === undefined ? {} : { error }),
  ...(resetAttempts === undefined ? {} : { resetAttempts }),
});
const keys = (items: readonly QueueItem[]) => items.map(({ key }) => key);

export function queueConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("an item is claimed when it is due, the longest due first", async () => {
    const { store } = subject;
    expect(await store.nextDueAt(QUEUE)).toBeUndefined();
    await land(store, [
      enqueue("b", NOW - 1),
      enqueue("c", NOW),
      enqueue("a", NOW - 2),
      enqueue("d", NOW + 1),
    ]);
    expect(await store.nextDueAt(QUEUE)).toBe(NOW - 2);
    expect(keys(await claim(store, "me", NOW, 2))).toEqual(["a", "b"]);
    expect(keys(await claim(store, "me"))).toEqual(["c"]);
    expect(await claim(store, "me")).toEqual([]);
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + 1);
    expect(keys(await claim(store, "me", NOW + 1))).toEqual(["d"]);
    expect(await store.nextDueAt("other")).toBeUndefined();
    expect((await land(store, [{ ...claimOp("me", NOW + 1), queue: "other" }])).claimed[0]).toEqual([]);
  });

  test("K1 a claim counts one attempt, durably, before the work begins", async () => {
    await land(subject.store, [enqueue("a", NOW, { n: 1 })]);
    const claimed = await claimOne(subject.store, "me");
    const item = { queue: QUEUE, key: "a", payload: { n: 1 }, dueAtMs: NOW, attempts: 1, owner: "me" };
    expect(claimed).toEqual({ ...item, token: expect.any(Number) });
    expect(claimed.token).toBeGreaterThan(0);
    const store = await subject.restart();
    expect(await store.getItem(QUEUE, "a")).toEqual(claimed);
    const again = await claimOne(store, "other", NOW + LEASE_MS);
    expect(again).toMatchObject({ attempts: 2, owner: "other" });
    expect(again.token).toBeGreaterThan(claimed.token);
  });

  test("K2 an item is claimed in the commit that enqueues it, or with it not enqueued at all", async () => {
    const { store } = subject;
    const at = { queue: QUEUE, owner: "me", nowMs: NOW, leaseMs: LEASE_MS };
    const take = (key: string): Op => ({ op: "claim-item", key, ...at });
    const { claimed } = await land(store, [
      enqueue("a"),
      take("a"),
      enqueue("b", NOW + 1),
      take("b"),
      take("c"),
    ]);
    const held = claimed[1]?.[0] ?? expect.unreachable();
    expect(held).toMatchObject({ key: "a", attempts: 1, owner: "me" });
    expect([claimed[3], claimed[4]]).toEqual([[], []]);
    expect(await store.getItem(QUEUE, "a")).toEqual(held);
    // Claimed already, be it by whoever asks: what is enqueued now is for after.
    expect((await land(store, [enqueue("a"), take("a")])).claimed[1]).toEqual([]);
    await land(store, [complete(held)]);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({ token: 0 });
    await refusal(store, [enqueue("d"), take("d"), { op: "check", kind: "none", id: "x", revision: 1 }]);
    expect(await store.getItem(QUEUE, "d")).toBeUndefined();
    // A claim that ran out is anybody's.
    const [other] = (await land(store, [{ ...take("a"), owner: "other" } as Op])).claimed[0] ?? [];
    const [taken] = (await land(store, [{ ...take("a"), nowMs: NOW + LEASE_MS } as Op])).claimed[0] ?? [];
    expect(taken).toMatchObject({ key: "a", owner: "me", attempts: 2 });
    expect(taken?.token).toBeGreaterThan(other?.token ?? Number.NaN);
  });

  test("K7 two owners that claim at once never hold the same item", async () => {
    const [a, b] = await subject.pair();
    const all = range(60).map((index) => `item-${index}`);
    await land(
      a,
      all.map((key) => enqueue(key)),
    );
    const rounds = await Promise.all(
      range(40).map((index) => claim(index % 2 ? a : b, `owner-${index % 2}`, NOW, 3)),
    );
    const held = rounds.flat();
    expect(new Set(keys(held))).toHaveLength(held.length);
    const rest = await claim(a, "last");
    expect(keys([...held, ...rest]).sort()).toEqual([...all].sort());
    for (const item of held)
      expect(await b.getItem(QUEUE, item.key)).toMatchObject({ owner: item.owner, token: item.token });
  });

  test("K7 a claim that ran out is another's to take, and its old owner changes nothing", async () => {
    const { store } = subject;
    await land(store, [enqueue("a")]);
    const old = await claimOne(store, "old");
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + LEASE_MS);
    expect(await claim(store, "new", NOW + LEASE_MS - 1)).toEqual([]);
    const held = await claimOne(store, "new", NOW + LEASE_MS);
    await land(store, [check(held)]);
    for (const op of [check(old), complete(old), retry(old, NOW), bury(old)])
      expect(await refusal(store, [enqueue("x"), op])).toEqual({ ok: false, reason: "stale_claim", op: 1 });
    expect(await store.getItem(QUEUE, "a")).toEqual(held);
    expect(await store.getItem(QUEUE, "x")).toBeUndefined();
    await land(store, [complete(held)]);
    expect(await store.getItem(QUEUE, "a")).toBeUndefined();
  });

  test("K7 only a claim's token finishes an item, not the lack of one", async () => {
    const { store } = subject;
    await land(store, [enqueue("a")]);
    const unclaimed = (await store.getItem(QUEUE, "a")) ?? expect.unreachable();
    expect(unclaimed.token).toBe(0);
    for (const op of [check(unclaimed), complete(unclaimed), retry(unclaimed, NOW), bury(unclaimed)])
      expect(await refusal(store, [op])).toMatchObject({ reason: "stale_claim" });
    const claimed = await claimOne(store, "me");
    await land(store, [complete(claimed)]);
    expect(await refusal(store, [complete(claimed)])).toMatchObject({ reason: "stale_claim" });
    await land(store, [enqueue("a")]);
    expect((await claimOne(store, "me")).token).toBeGreaterThan(claimed.token);
    expect(await refusal(store, [complete(claimed)])).toMatchObject({ reason: "stale_claim" });
  });

  test("enqueueing a waiting item takes the new payload and the earlier time", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW + 10, 1)]);
    await land(store, [enqueue("a", NOW + 20, 2)]);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({ dueAtMs: NOW + 10, payload: 2, attempts: 0 });
    await land(store, [enqueue("a", NOW + 5, 3)]);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({ dueAtMs: NOW + 5, payload: 3 });
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + 5);
  });

  test("an item that is enqueued while claimed is due again, as new, once it is completed", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW, "first")]);
    await land(store, [retry(await claimOne(store, "me"), NOW, "no luck")]);
    const first = await claimOne(store, "me");
    await land(store, [enqueue("a", NOW + 9, "second")]);
    await land(store, [enqueue("a", NOW + 7, "third")]);
    await land(store, [enqueue("a", NOW + 8, "fourth")]);
    expect(await claim(store, "other", NOW + 9)).toEqual([]);
    await land(store, [complete(first)]);
    expect(await store.getItem(QUEUE, "a")).toEqual({
      ...{ queue: QUEUE, key: "a", payload: "fourth", dueAtMs: NOW + 7, attempts: 0, token: 0 },
    });
    const second = await claimOne(store, "me", NOW + 7);
    await land(store, [complete(second)]);
    expect(await store.getItem(QUEUE, "a")).toBeUndefined();
  });

  test("a handler sets its own timer in the commit that completes it, in either order", async () => {
    const { store } = subject;
    await land(store, [enqueue("a")]);
    await land(store, [enqueue("a", NOW + 50), complete(await claimOne(store, "me"))]);
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + 50);
    await land(store, [complete(await claimOne(store, "me", NOW + 50)), enqueue("a", NOW + 60)]);
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + 60);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({ attempts: 0 });
  });

  test("a new claim has seen what was enqueued under the old one", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW, "old")]);
    await claimOne(store, "dead");
    await land(store, [enqueue("a", NOW, "new")]);
    const second = await claimOne(store, "me", NOW + LEASE_MS);
    expect(second.payload).toBe("new");
    await land(store, [complete(second)]);
    expect(await store.getItem(QUEUE, "a")).toBeUndefined();
  });

  test("a retried item waits, keeps count and tells the last error", async () => {
    const { store } = subject;
    await land(store, [enqueue("a")]);
    await land(store, [retry(await claimOne(store, "me"), NOW + 100, "no luck")]);
    expect(await claim(store, "me", NOW + 99)).toEqual([]);
    const second = await claimOne(store, "me", NOW + 100);
    expect(second).toMatchObject({ attempts: 2, lastError: "no luck", dueAtMs: NOW + 100 });
    await land(store, [retry(second, NOW + 200, undefined, true)]);
    const third = await claimOne(store, "me", NOW + 200);
    expect(third.attempts).toBe(1);
    expect(third).not.toHaveProperty("lastError");
  });

  test("an item that is enqueued while claimed does not wait for the retry", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW, "old")]);
    const first = await claimOne(store, "me");
    await land(store, [enqueue("a", NOW + 10, "new")]);
    await land(store, [retry(first, NOW + 100, "no luck")]);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({
      ...{ dueAtMs: NOW + 10, payload: "new", attempts: 1, lastError: "no luck", token: 0 },
    });
    await land(store, [retry(await claimOne(store, "me", NOW + 10), NOW + 50)]);
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + 50);
  });

  test("a buried item is a dead letter, oldest first, until it is enqueued again", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW, { n: 1 }), enqueue("b", NOW + 1), enqueue("c", NOW + 2)]);
    const [a, b, c] = await claim(store, "me", NOW + 2);
    if (!a || !b || !c) expect.unreachable();
    await land(store, [bury(c), bury(a, "poison")]);
    await land(store, [bury(b)]);
    expect(keys(await store.deadLetters(QUEUE, 10))).toEqual(["c", "a", "b"]);
    expect(keys(await store.deadLetters(QUEUE, 2))).toEqual(["c", "a"]);
    expect(await store.deadLetters("other", 10)).toEqual([]);
    expect((await store.deadLetters(QUEUE, 10))[1]).toEqual({
      ...{
        queue: QUEUE,
        key: "a",
        payload: { n: 1 },
        dueAtMs: NOW,
        attempts: 1,
        token: 0,
        lastError: "poison",
      },
    });
    expect(await store.nextDueAt(QUEUE)).toBeUndefined();
    expect(await store.getItem(QUEUE, "a")).toBeUndefined();
    expect(await claim(store, "me", NOW + 10 * LEASE_MS)).toEqual([]);

    await land(store, [enqueue("a", NOW + 5, { n: 2 })]);
    expect(keys(await store.deadLetters(QUEUE, 10))).toEqual(["c", "b"]);
    expect(await store.getItem(QUEUE, "a")).toEqual({
      ...{ queue: QUEUE, key: "a", payload: { n: 2 }, dueAtMs: NOW + 5, attempts: 0, token: 0 },
    });
    await land(store, [bury(await claimOne(store, "me", NOW + 5))]);
    expect(keys(await store.deadLetters(QUEUE, 10))).toEqual(["c", "b", "a"]);
  });

  test("an item that is enqueued while claimed outlives its burial", async () => {
    const { store } = subject;
    await land(store, [enqueue("a", NOW, "old")]);
    const first = await claimOne(store, "me");
    await land(store, [enqueue("a", NOW + 3, "new")]);
    await land(store, [bury(first)]);
    expect(await store.deadLetters(QUEUE, 10)).toEqual([]);
    expect(await store.getItem(QUEUE, "a")).toMatchObject({ payload: "new", dueAtMs: NOW + 3, attempts: 0 });
  });

  test("K7 a renewed owner keeps its claims, one that ran out does not come back", async () => {
    const { store } = subject;
    await land(store, [enqueue("a"), enqueue("b")]);
    await claim(store, "me", NOW, 1);
    await claim(store, "you", NOW, 1);
    const renew = (owner: string, nowMs: number): Op => ({
      op: "renew-owner",
      owner,
      nowMs,
      leaseMs: LEASE_MS,
    });
    await land(store, [renew("me", NOW + LEASE_MS - 1)]);
    await land(store, [renew("you", NOW + LEASE_MS), renew("nobody", NOW)]);
    expect(keys(await claim(store, "third", NOW + LEASE_MS))).toEqual(["b"]);
    expect(await claim(store, "third", NOW + 2 * LEASE_MS - 2)).toEqual([]);
    expect(keys(await claim(store, "third", NOW + 2 * LEASE_MS - 1))).toEqual(["a"]);
  });

  test("K7 the claims of a dead owner are released at once, their attempts stay counted", async () => {
    const { store } = subject;
    await land(store, [enqueue("a"), enqueue("b"), enqueue("c")]);
    const dead = await claim(store, "dead", NOW, 2);
    await claim(store, "alive", NOW, 1);
    await land(store, [enqueue("a", NOW + 500)]);
    await land(store, [{ op: "release-owner", owner: "dead" }]);
    expect(await store.getItem(QUEUE, "a")).toEqual({
      ...{ queue: QUEUE, key: "a", payload: "a", dueAtMs: NOW, attempts: 1, token: 0 },
    });
    for (const item of dead)
      expect(await refusal(store, [complete(item)])).toMatchObject({ reason: "stale_claim" });
    const again = await claim(store, "me");
    expect(keys(again).sort()).toEqual(["a", "b"]);
    expect(again.map(({ attempts }) => attempts)).toEqual([2, 2]);
    await land(store, again.map(complete));
    expect(await store.nextDueAt(QUEUE)).toBe(NOW + LEASE_MS);
  });

  test("K7 claims that their owner never heard of are released, those in its hands are not", async () => {
    const { store } = subject;
    await land(store, [enqueue("a"), enqueue("b"), enqueue("c")]);
    const held = await claimOne(store, "me");
    await claim(store, "me", NOW, 1);
    await claim(store, "you", NOW, 1);
    await land(store, [{ op: "enqueue", queue: "other", key: "a", dueAtMs: NOW, payload: 2 }]);
    const other = await store.commit([
      { op: "claim", queue: "other", owner: "me", nowMs: NOW, leaseMs: LEASE_MS, limit: 1 },
    ]);
    const again = await store.commit([
      { op: "release-lost", queue: QUEUE, owner: "me", heldTokens: [held.token] },
      { op: "claim", queue: QUEUE, owner: "me", nowMs: NOW, leaseMs: LEASE_MS, limit: 5 },
    ]);
    const claimed = again.ok ? (again.claimed[1] ?? []) : [];
    expect(claimed.map(({ key, attempts }) => [key, attempts])).toEqual([["b", 2]]);
    await land(store, [complete(held), ...claimed.map(complete)]);
    const elsewhere = other.ok ? (other.claimed[0] ?? []) : [];
    await land(
      store,
      elsewhere.map(({ key, token }) => ({ op: "complete", queue: "other", key, token })),
    );
    expect(await store.getItem(QUEUE, "c")).toMatchObject({ owner: "you" });
    expect(await store.getItem("other", "a")).toBeUndefined();
  });

  test("what is due later than anything can be is due when it is told to be, what is claimed is left alone", async () => {
    const { store } = subject;
    await land(store, [
      enqueue("soon", NOW + 5),
      enqueue("claimed", NOW),
      { op: "enqueue", queue: "other", key: "far", dueAtMs: NOW + 9_000, payload: null },
    ]);
    const held = await claimOne(store, "me");
    await land(store, [enqueue("far", NOW + 9_000), enqueue("claimed", NOW + 9_000)]);
    await land(store, [{ op: "hasten", queue: QUEUE, laterThanMs: NOW + 60, dueAtMs: NOW + 1 }]);
    expect(await store.getItem(QUEUE, "far")).toMatchObject({ dueAtMs: NOW + 1, attempts: 0 });
    expect(await store.getItem(QUEUE, "soon")).toMatchObject({ dueAtMs: NOW + 5 });
    expect(await store.getItem("other", "far")).toMatchObject({ dueAtMs: NOW + 9_000 });
    expect(keys(await claim(store, "you", NOW + 1))).toEqual(["far"]);
    await land(store, [complete(held)]);
    expect(await store.getItem(QUEUE, "claimed"), "enqueued while claimed").toMatchObject({
      dueAtMs: NOW + 9_000,
    });
  });

  test("one key in two queues is two items", async () => {
    const { store } = subject;
    await land(store, [
      enqueue("a"),
      { op: "enqueue", queue: "other", key: "a", dueAtMs: NOW + 1, payload: 2 },
    ]);
    await land(store, [complete(await claimOne(store, "me"))]);
    expect(await store.getItem("other", "a")).toMatchObject({ payload: 2, dueAtMs: NOW + 1 });
  });

  test("payloads and keys come back as they were", async () => {
    const { store } = subject;
    const payload = { text: "\u0000 ü 🎈", list: [null, 1.5, { deep: [[]] }] };
    await land(store, [
      enqueue("ключ/🎈 ", NOW, payload),
      enqueue("", NOW + 1, null),
      enqueue("\u0000", NOW + 2, 1),
    ]);
    expect(await store.getItem(QUEUE, "ключ/🎈 ")).toMatchObject({ key: "ключ/🎈 ", payload });
    expect(await store.getItem(QUEUE, "")).toMatchObject({ key: "", payload: null });
    expect(keys(await claim(store, "ö\u0000", NOW + 2))).toEqual(["ключ/🎈 ", "", "\u0000"]);
    expect(await store.getItem(QUEUE, "\u0000")).toMatchObject({ owner: "ö\u0000" });
  });
}
