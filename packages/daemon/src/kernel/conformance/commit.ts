import { expect, test } from "vitest";
import { type Op, type Store, StoreError } from "../store.ts";
import { event, land, NOW, type OpenFixture, put, range, refusal, tick, useStore } from "./fixture.ts";

const append = (stream: string, expectedSeq?: number): Op => ({
  ...{ op: "append", stream, events: [event(stream)] },
  ...(expectedSeq === undefined ? {} : { expectedSeq }),
});
const enqueue = (key: string): Op => ({ op: "enqueue", queue: "work", key, dueAtMs: NOW, payload: key });
const acquire = (name: string): Op => ({
  op: "acquire-lease",
  name,
  owner: "me",
  nowMs: NOW,
  leaseMs: 1_000,
});
const claim: Op = { op: "claim", queue: "work", owner: "me", nowMs: NOW, leaseMs: 1_000, limit: 10 };

/** One of everything that a commit can write, under one name. */
const everything = (name: string): Op[] => [append(name), put(name), enqueue(name), acquire(name)];

async function traces(store: Store, name: string): Promise<boolean[]> {
  return [
    (await store.streamHead(name)) > 0,
    (await store.get("thing", name)) !== undefined,
    (await store.getItem("work", name)) !== undefined,
    (await store.getLease(name)) !== undefined,
    (await store.count("thing", { index: "by_id", prefix: [name] })) > 0,
  ];
}
const ALL = [true, true, true, true, true];
const NONE = [false, false, false, false, false];

/** Operations that are refused in a store where `everything("present")` has landed. */
const REFUSED: [reason: string, op: Op][] = [
  ["stale_seq", append("present", 0)],
  ["stale_revision", put("present", 1, 0)],
  ["stale_revision", { op: "delete", kind: "thing", id: "present", expectedRevision: 9 }],
  ["stale_revision", { op: "check", kind: "thing", id: "present", revision: 0 }],
  ["stale_claim", { op: "complete", queue: "work", key: "present", token: 999_999 }],
  ["stale_claim", { op: "retry", queue: "work", key: "present", token: 999_999, dueAtMs: NOW }],
  ["stale_claim", { op: "bury", queue: "work", key: "present", token: 999_999, error: "no" }],
  ["lease_held", { op: "acquire-lease", name: "present", owner: "you", nowMs: NOW, leaseMs: 1 }],
  ["stale_fence", { op: "release-lease", name: "present", token: 999_999 }],
];

export function commitConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("the answers stand under the index of their operation", async () => {
    const { store } = subject;
    const result = await land(store, [
      { op: "check", kind: "thing", id: "a", revision: 0 },
      append("a"),
      put("a"),
      enqueue("a"),
      claim,
      acquire("a"),
      { op: "release-owner", owner: "nobody" },
    ]);
    expect(result).toEqual({
      ok: true,
      appended: { 1: { firstSeq: 1, lastSeq: 1, lastPosition: await store.head() } },
      revisions: { 2: 1 },
      claimed: { 4: [expect.objectContaining({ key: "a", attempts: 1 })] },
      leases: { 5: expect.objectContaining({ name: "a", owner: "me" }) },
    });
  });

  test("a commit of nothing lands", async () => {
    expect(await subject.store.commit([])).toEqual({
      ok: true,
      appended: {},
      revisions: {},
      claimed: {},
      leases: {},
    });
  });

  test("K1 a restart finds everything that was committed", async () => {
    await land(subject.store, everything("a"));
    expect(await traces(await subject.restart(), "a")).toEqual(ALL);
  });

  test("K1 a store that is closed first finishes what it was given", async () => {
    const { store } = subject;
    const commits = range(20).map((index) => store.commit(everything(`n${index}`)));
    await store.close();
    expect((await Promise.all(commits)).every(({ ok }) => ok)).toBe(true);
    const reopened = await subject.restart();
    for (const index of range(20)) expect(await traces(reopened, `n${index}`)).toEqual(ALL);
  });

  test.each(REFUSED)("K2 a commit that is refused for %s changes nothing (%o)", async (reason, op) => {
    const { store } = subject;
    await land(store, everything("present"));
    const before = await store.readAll({ afterPosition: 0, limit: 100 });
    const ops = [...everything("absent"), op, ...everything("later")];
    expect(await refusal(store, ops)).toEqual({ ok: false, reason, op: 4 });
    expect(await traces(store, "absent")).toEqual(NONE);
    expect(await traces(store, "later")).toEqual(NONE);
    expect(await store.readAll({ afterPosition: 0, limit: 100 })).toEqual(before);
    await land(store, [...everything("absent"), append("absent", 1)]);
    expect(await traces(store, "absent")).toEqual(ALL);
  });

  test("K2 guards see what the same commit has written before them", async () => {
    const { store } = subject;
    await land(store, [
      put("a", 1, 0),
      put("a", 2, 1),
      { op: "check", kind: "thing", id: "a", revision: 2 },
      { op: "delete", kind: "thing", id: "a", expectedRevision: 2 },
      put("a", 3, 0),
      append("s", 0),
      append("s", 1),
    ]);
    expect(await store.get("thing", "a")).toEqual({ id: "a", revision: 1, data: 3 });
    expect(await refusal(store, [put("a", 4, 1), put("a", 5, 1)])).toMatchObject({ op: 1 });
    expect(await refusal(store, [append("s", 2), append("s", 2)])).toMatchObject({ op: 1 });
    expect(await store.streamHead("s")).toBe(2);
  });

  test("K2 refused commits in the middle of a burst leave their neighbours alone", async () => {
    const { store } = subject;
    await land(store, everything("present"));
    const bad = (index: number) => REFUSED[index % REFUSED.length]?.[1] ?? expect.unreachable();
    const results = await Promise.all(
      range(60).map((index) =>
        store.commit([
          ...everything(`n${index}`),
          append("shared"),
          ...(index % 3 === 1 ? [bad(index)] : []),
        ]),
      ),
    );
    for (const [index, result] of results.entries()) {
      expect(result.ok).toBe(index % 3 !== 1);
      expect(await traces(store, `n${index}`)).toEqual(result.ok ? ALL : NONE);
    }
    const shared = await store.readStream("shared");
    expect(shared.map(({ seq }) => seq)).toEqual(range(40).map((index) => index + 1));
    expect(await store.streamHead("present")).toBe(1);
  });

  test("K2 a commit that cannot be written down fails alone", async () => {
    const { store } = subject;
    const circular: Record<string, never> = {};
    Object.assign(circular, { circular });
    const results = await Promise.allSettled([
      store.commit(everything("a")),
      store.commit([...everything("b"), put("c", circular)]),
      store.commit([{ ...acquire("d"), leaseMs: 0.5 } as Op]),
      store.commit(everything("e")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await traces(store, "a")).toEqual(ALL);
    expect(await traces(store, "b")).toEqual(NONE);
    expect(await traces(store, "e")).toEqual(ALL);
  });

  test("K2 a reader sees all of a commit or nothing of it", async () => {
    const [writer, reader] = await subject.pair();
    let writing = true;
    let looks = 0;
    const reading = (async () => {
      while (writing) {
        const { revision = 0 } = (await reader.get("thing", "count")) ?? {};
        expect(await reader.streamHead("count")).toBeGreaterThanOrEqual(revision);
        looks += 1;
        await tick();
      }
    })();
    for (const _ of range(30)) await land(writer, [append("count"), put("count")]);
    writing = false;
    await reading;
    expect(looks).toBeGreaterThan(0);
    expect(await reader.get("thing", "count")).toMatchObject({ revision: 30 });
  });

  test.each([
    ["events", append("s")],
    ["items", enqueue("a")],
  ] as const)("a commit wakes who waits for %s that it brings, until they leave", async (news, op) => {
    const [writer, reader] = await subject.pair();
    let wakes = 0;
    const woken = new Promise<void>((resolve) => {
      const leave = reader.onCommit(news, () => {
        wakes += 1;
        leave();
        resolve();
      });
    });
    await land(writer, [op]);
    await woken;
    await land(reader, [op]);
    await tick();
    expect(wakes).toBe(1);
  });

  test("a closed store says so", async () => {
    const { store } = subject;
    await store.close();
    await expect(store.commit([put("a")])).rejects.toBeInstanceOf(StoreError);
    await expect(store.get("thing", "a")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("the store tells its size", async () => {
    const { store } = subject;
    await land(store, [put("a", "x".repeat(100_000))]);
    expect(await store.sizeBytes()).toBeGreaterThan(50_000);
    expect(store.schemaVersion).toBeGreaterThan(0);
  });
}
