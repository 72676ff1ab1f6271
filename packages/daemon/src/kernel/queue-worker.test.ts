import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimulatedClock } from "./clock.ts";
import { backoff, QueueWorker, type Settled } from "./queue-worker.ts";
import { openSqliteStore } from "./sqlite/index.ts";
import { type QueueItem, type Store, StoreError } from "./store.ts";

let directory: string;
let store: Store;
let clock: SimulatedClock;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-worker-"));
  clock = new SimulatedClock();
  store = await openSqliteStore({ path: join(directory, "kheish.db"), clock });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

function worker(handle: (item: QueueItem) => Promise<Settled>, over: Store = store): QueueWorker {
  return new QueueWorker({
    store: over,
    clock,
    queue: "work",
    owner: "me",
    leaseMs: 30_000,
    concurrency: 4,
    handle,
    onError: () => undefined,
  });
}

async function enqueue(key: string, dueAtMs = clock.now()): Promise<void> {
  await store.commit([{ op: "enqueue", queue: "work", key, dueAtMs, payload: null }]);
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("queue worker", () => {
  test("an item is handled once it is due, and then gone", async () => {
    const seen: string[] = [];
    const subject = worker(async (item) => {
      seen.push(item.key);
      return { kind: "done" };
    });
    subject.start();
    await enqueue("now");
    await enqueue("later", clock.now() + 5_000);
    await quiet();
    expect(seen).toEqual(["now"]);
    await clock.advance(5_000);
    await quiet();
    expect(seen).toEqual(["now", "later"]);
    expect(await store.nextDueAt("work")).toBeUndefined();
    await subject.stop();
  });

  test("a handler that throws gets its item back after a growing pause, with its attempts counted", async () => {
    const attempts: number[] = [];
    const subject = worker(async (item) => {
      attempts.push(item.attempts);
      if (item.attempts < 3) throw new Error("not yet");
      return { kind: "done" };
    });
    subject.start();
    await enqueue("stubborn");
    await quiet();
    expect(attempts).toEqual([1]);
    await clock.advance(backoff(1));
    await quiet();
    await clock.advance(backoff(2));
    await quiet();
    expect(attempts).toEqual([1, 2, 3]);
    await subject.stop();
  });

  test("an item whose closing fails, as on a full disk, is closed when the store takes writes again", async () => {
    let full = false;
    const flaky = new Proxy(store, {
      get(target, key) {
        const member = Reflect.get(target, key) as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (key === "commit" && full) return Promise.reject(new StoreError("full", "the disk is full"));
          return (member as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const handled: string[] = [];
    const subject = worker(async (item) => {
      handled.push(item.key);
      full = handled.length === 1;
      return { kind: "done" };
    }, flaky);
    subject.start();
    await enqueue("first");
    await quiet();
    expect((await store.getItem("work", "first"))?.owner).toBe("me");
    full = false;
    await clock.advance(backoff(1));
    await quiet();
    expect(await store.getItem("work", "first")).toBeUndefined();
    expect(handled).toEqual(["first"]);
    await subject.stop();
  });

  test("K7 an item whose claim landed without a word to its worker is worked on all the same", async () => {
    let isDeaf = false;
    const unheard = new Proxy(store, {
      get(target, key) {
        const member = Reflect.get(target, key) as unknown;
        if (key !== "commit") return typeof member === "function" ? member.bind(target) : member;
        return async (...args: Parameters<Store["commit"]>) => {
          const answer = await target.commit(...args);
          if (!isDeaf) return answer;
          isDeaf = false;
          throw new StoreError("unavailable", "the connection is gone");
        };
      },
    });
    const handled: { key: string; attempts: number }[] = [];
    const held = Promise.withResolvers<void>();
    const subject = worker(async ({ key, attempts }) => {
      handled.push({ key, attempts });
      if (key === "long") await held.promise;
      return { kind: "done" };
    }, unheard);
    subject.start();
    await enqueue("long");
    await quiet();
    await enqueue("lost");
    isDeaf = true;
    await quiet();
    expect((await store.getItem("work", "lost"))?.owner, "claimed by whoever does not know").toBe("me");
    await clock.advance(1_000);
    await quiet();
    expect(handled, "what is in hand is left alone").toEqual([
      { key: "long", attempts: 1 },
      { key: "lost", attempts: 2 },
    ]);
    held.resolve();
    await quiet();
    expect(await store.nextDueAt("work")).toBeUndefined();
    await subject.stop();
  });

  test("K7 whoever lost a claim still gives up what it took for the item", async () => {
    const begun = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    const subject = worker(async () => {
      const taken = await store.commit([
        { op: "acquire-lease", name: "for it", owner: "me", nowMs: clock.now(), leaseMs: 600_000 },
      ]);
      const token = taken.ok ? (taken.leases[0]?.token ?? 0) : 0;
      begun.resolve();
      await late.promise;
      return { kind: "done", ops: [{ op: "release-lease", name: "for it", token }] };
    });
    subject.start();
    await enqueue("slow");
    await begun.promise;
    const nowMs = clock.now() + 31_000;
    await store.commit([{ op: "claim", queue: "work", owner: "you", nowMs, leaseMs: 30_000, limit: 1 }]);
    late.resolve();
    await quiet();
    expect((await store.getItem("work", "slow"))?.owner).toBe("you");
    expect(await store.getLease("for it")).toBeUndefined();
    await subject.stop();
  });

  test("K7 whoever makes work may begin it in the same commit", async () => {
    const handled: string[] = [];
    const subject = worker(async ({ key }) => {
      handled.push(key);
      return { kind: "done" };
    });
    expect(subject.offer("early"), "nobody is at work yet").toBeUndefined();
    subject.start();
    await quiet();
    const claim = subject.offer("mine") ?? expect.unreachable("four hands are free");
    const made = await store.commit([
      { op: "enqueue", queue: "work", key: "mine", dueAtMs: 0, payload: null },
      claim,
    ]);
    subject.take(made.ok ? made.claimed[1] : []);
    expect(handled).toEqual(["mine"]);
    await quiet();
    expect(await store.nextDueAt("work")).toBeUndefined();
    const offers = [1, 2, 3, 4].map((n) => subject.offer(`${n}`));
    expect(offers.every((offer) => offer !== undefined)).toBe(true);
    expect(subject.offer("5"), "no hand is free").toBeUndefined();
    for (const _ of offers) subject.take([]);
    await subject.stop();
  });

  test("K7 an offer that landed without a word to its worker is worked on all the same", async () => {
    const handled: string[] = [];
    const subject = worker(async ({ key }) => {
      handled.push(key);
      return { kind: "done" };
    });
    subject.start();
    await quiet();
    const claim = subject.offer("lost") ?? expect.unreachable("four hands are free");
    await store.commit([{ op: "enqueue", queue: "work", key: "lost", dueAtMs: 0, payload: null }, claim]);
    subject.take(undefined);
    expect(subject.offer("next"), "what it brought is not known yet").toBeUndefined();
    await quiet();
    expect(handled).toEqual(["lost"]);
    await subject.stop();
  });

  test("what is claimed while the worker stops goes back as it was, whatever the clock says", async () => {
    const claiming = Promise.withResolvers<void>();
    const slow = new Proxy(store, {
      get(target, key) {
        const member = Reflect.get(target, key) as unknown;
        if (key !== "commit") return typeof member === "function" ? member.bind(target) : member;
        return async (...args: Parameters<Store["commit"]>) => {
          const answer = await target.commit(...args);
          if (args[0].some(({ op }) => op === "claim")) await claiming.promise;
          return answer;
        };
      },
    });
    const subject = worker(() => Promise.reject(new Error("not in hand")), slow);
    const dueAtMs = clock.now() - 5_000;
    await enqueue("late", dueAtMs);
    subject.start();
    await quiet();
    const stopped = subject.stop();
    claiming.resolve();
    await stopped;
    expect(await store.getItem("work", "late")).toMatchObject({ dueAtMs, attempts: 0, token: 0 });
  });
});
