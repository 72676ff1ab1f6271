import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeKey } from "../keys.ts";
import type { KeyParts, ListQuery, Op, Store } from "../store.ts";
import { land, type OpenFixture, put, range, refusal, useStore } from "./fixture.ts";
import { anyCharacter, byBytes, ODD_TEXTS } from "./texts.ts";

/** A record under one index key. */
function keyed(id: string, parts: KeyParts, kind = "thing"): Op {
  return { op: "put", kind, id, data: { id }, keys: { by_key: parts } };
}

async function listIds(store: Store, query: Partial<ListQuery> = {}, kind = "thing"): Promise<string[]> {
  const listed = await store.list(kind, { index: "by_key", limit: 1000, ...query });
  return listed.map(({ id }) => id);
}

/** Walks an index page by page. */
async function walk(store: Store, query: Omit<ListQuery, "index">): Promise<string[]> {
  const page = await store.list("thing", { index: "by_key", ...query });
  const last = page.at(-1);
  const ids = page.map(({ id }) => id);
  return last === undefined ? ids : [...ids, ...(await walk(store, { ...query, after: last.cursor }))];
}

export function recordsConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("K5 a record's revision grows by one per put", async () => {
    const { store } = subject;
    expect(await store.get("thing", "a")).toBeUndefined();
    expect((await land(store, [put("a", 1)])).revisions[0]).toBe(1);
    expect((await land(store, [put("b", 1), put("a", 2), put("a", 3)])).revisions).toEqual({
      0: 1,
      1: 2,
      2: 3,
    });
    expect(await store.get("thing", "a")).toEqual({ id: "a", revision: 3, data: 3 });
    expect(await (await subject.restart()).get("thing", "a")).toEqual({ id: "a", revision: 3, data: 3 });
  });

  test("K5 a guarded put lands on the revision it named and on no other", async () => {
    const { store } = subject;
    expect(await refusal(store, [put("a", 1, 1)])).toEqual({ ok: false, reason: "stale_revision", op: 0 });
    await land(store, [put("a", 1, 0)]);
    expect(await refusal(store, [put("a", 2, 0)])).toMatchObject({ reason: "stale_revision" });
    expect(await refusal(store, [put("a", 2, 2)])).toMatchObject({ reason: "stale_revision" });
    await land(store, [put("a", 2, 1), put("a", 3, 2)]);
    expect(await store.get("thing", "a")).toMatchObject({ revision: 3, data: 3 });
  });

  test("K5 a guarded delete and a check see the revision too", async () => {
    const { store } = subject;
    const remove = (expectedRevision?: number): Op => ({
      ...{ op: "delete", kind: "thing", id: "a" },
      ...(expectedRevision === undefined ? {} : { expectedRevision }),
    });
    const check = (revision: number): Op => ({ op: "check", kind: "thing", id: "a", revision });
    await land(store, [check(0), remove(), remove(0), put("a", 1), check(1)]);
    expect(await refusal(store, [remove(0)])).toMatchObject({ reason: "stale_revision" });
    expect(await refusal(store, [remove(2)])).toMatchObject({ reason: "stale_revision" });
    expect(await refusal(store, [put("b"), check(2)])).toEqual({
      ok: false,
      reason: "stale_revision",
      op: 1,
    });
    expect(await store.get("thing", "b")).toBeUndefined();
    await land(store, [remove(1), check(0)]);
    expect(await store.get("thing", "a")).toBeUndefined();
    expect((await land(store, [put("a", 2)])).revisions[0]).toBe(1);
  });

  test("K5 an addition begins at nothing, counts as a write, and lands only below its limit", async () => {
    const { store } = subject;
    const add = (amounts: Record<string, number>, atMost?: Record<string, number>): Op => ({
      ...{ op: "add", kind: "thing", id: "sum", amounts, keys: { by_key: ["sums"] } },
      ...(atMost === undefined ? {} : { atMost }),
    });
    expect(await refusal(store, [put("a"), add({ taken: 4 }, { taken: 3 })])).toEqual({
      ok: false,
      reason: "over_limit",
      op: 1,
    });
    expect(await store.get("thing", "a")).toBeUndefined();
    expect((await land(store, [add({ taken: 2, held: 2 }, { taken: 3 })])).revisions[0]).toBe(1);
    expect(await refusal(store, [add({ taken: 2 }, { taken: 3 })])).toMatchObject({ reason: "over_limit" });
    // Giving back is never refused, also above a limit that has been lowered.
    await land(store, [add({ taken: 1 }, { taken: 3 }), add({ taken: -1, held: -2 })]);
    expect(await (await subject.restart()).get("thing", "sum")).toEqual({
      ...{ id: "sum", revision: 3, data: { taken: 2, held: 0 } },
    });
    expect(await listIds(subject.store, { prefix: ["sums"] })).toEqual(["sum"]);
    await expect(subject.store.commit([add({ taken: 0.5 })])).rejects.toThrow(RangeError);
  });

  test("K5 of a hundred additions at once as many land as fit, and none of them has to look again", async () => {
    const [a, b] = await subject.pair();
    const add: Op = {
      ...{ op: "add", kind: "thing", id: "sum", keys: {} },
      ...{ amounts: { taken: 1 }, atMost: { taken: 50 } },
    };
    const results = await Promise.all(range(100).map((writer) => (writer % 2 ? a : b).commit([add])));
    expect(results.filter((result) => result.ok)).toHaveLength(50);
    expect(results.filter((result) => !result.ok && result.reason === "over_limit")).toHaveLength(50);
    expect((await a.get("thing", "sum"))?.data).toEqual({ taken: 50 });
  });

  test("K5 of a hundred puts that expect the same revision one wins, round after round", async () => {
    const [a, b] = await subject.pair();
    for (const round of range(5)) {
      const results = await Promise.all(
        range(100).map((writer) => (writer % 2 ? a : b).commit([put("a", writer, round)])),
      );
      const winners = range(100).filter((writer) => results[writer]?.ok);
      expect(winners).toHaveLength(1);
      expect(await a.get("thing", "a")).toEqual({ id: "a", revision: round + 1, data: winners[0] });
    }
  });

  test("several are read at once: the present ones, each once", async () => {
    const { store } = subject;
    await land(store, [put("a", 1), put("b", 2), put("é", 3)]);
    const found = await store.getMany("thing", ["b", "nobody", "a", "b", "é", "e"]);
    expect(found.sort((x, y) => byBytes(x.id, y.id))).toEqual([
      { id: "a", revision: 1, data: 1 },
      { id: "b", revision: 1, data: 2 },
      { id: "é", revision: 1, data: 3 },
    ]);
    expect(await store.getMany("thing", [])).toEqual([]);
    expect(await store.getMany("other", ["a"])).toEqual([]);
  });

  test("a commit writes what it was given, whatever its caller does to it afterwards", async () => {
    const { store } = subject;
    const data = { list: [1] };
    const committed = land(store, [put("a", data)]);
    data.list.push(2);
    await committed;
    expect((await store.get("thing", "a"))?.data).toEqual({ list: [1] });
  });

  test("numbers order by value, text by its bytes, equal keys by id", async () => {
    const { store } = subject;
    await land(store, [
      ...[10, 9, 0, Number.MAX_SAFE_INTEGER, 100].map((at) => keyed(`n${at}`, ["number", at])),
      ...["b", "a", "é", "z", "🎈", "\uffff"].map((text) => keyed(`t${text}`, ["text", text])),
      ...["2", "1", "3"].map((id) => keyed(id, ["same"])),
    ]);
    const numbers = ["n0", "n9", "n10", "n100", `n${Number.MAX_SAFE_INTEGER}`];
    const texts = ["ta", "tb", "tz", "té", "t\uffff", "t🎈"];
    expect(await listIds(store)).toEqual([...numbers, "1", "2", "3", ...texts]);
    expect(await listIds(store, { reverse: true })).toEqual([...numbers, "1", "2", "3", ...texts].reverse());
    expect(await listIds(store, { prefix: ["number"], limit: 2 })).toEqual(["n0", "n9"]);
    expect(await listIds(store, { prefix: ["number"], limit: 0 })).toEqual([]);
    expect(await listIds(store, { prefix: ["text"], reverse: true, limit: 2 })).toEqual(["t🎈", "t\uffff"]);
  });

  test("a prefix matches whole parts", async () => {
    const { store } = subject;
    await land(store, [
      keyed("1", ["a"]),
      keyed("2", ["a", "b"]),
      keyed("3", ["a", "b", 3]),
      keyed("4", ["ab"]),
      keyed("5", ["a", "bc"]),
      keyed("6", [1]),
      keyed("7", [10]),
      keyed("8", []),
    ]);
    const under = (prefix: KeyParts) => listIds(store, { prefix });
    expect(await under(["a"])).toEqual(["1", "2", "3", "5"]);
    expect(await under(["a", "b"])).toEqual(["2", "3"]);
    expect(await under(["ab"])).toEqual(["4"]);
    expect(await under([1])).toEqual(["6"]);
    expect(await under(["none"])).toEqual([]);
    expect(await under([])).toHaveLength(8);
    expect(await store.count("thing", { index: "by_key", prefix: ["a"] })).toBe(4);
    expect(await store.count("thing", { index: "by_key" })).toBe(8);
    expect(await store.count("thing", { index: "by_other" })).toBe(0);
    expect(await store.count("nothing", { index: "by_key" })).toBe(0);
  });

  test("K2 a count follows what lands, and not what is refused", async () => {
    const { store } = subject;
    const one = (id: string, key: string) => keyed(id, [key, id]);
    const counts = async () => [
      await store.count("thing", { index: "by_key" }),
      await store.count("thing", { index: "by_key", prefix: ["a"] }),
      await store.count("thing", { index: "by_key", prefix: ["b"] }),
    ];
    expect(await counts()).toEqual([0, 0, 0]);
    await land(store, [one("1", "a"), one("2", "a"), one("3", "ab")]);
    expect(await counts()).toEqual([3, 2, 0]);
    await land(store, [one("1", "b")]);
    expect(await counts()).toEqual([3, 1, 1]);
    await refusal(store, [one("4", "a"), { op: "check", kind: "thing", id: "1", revision: 9 }]);
    expect(await counts()).toEqual([3, 1, 1]);
    await land(store, [{ op: "delete", kind: "thing", id: "2" }]);
    expect(await counts()).toEqual([2, 0, 1]);
  });

  test("odd keys are ordered and found like any other", async () => {
    const { store } = subject;
    await land(
      store,
      ODD_TEXTS.map((text, index) => keyed(`${index}`, [text, index])),
    );
    const ordered = range(ODD_TEXTS.length).sort((a, b) => byBytes(ODD_TEXTS[a] ?? "", ODD_TEXTS[b] ?? ""));
    expect(await listIds(store)).toEqual(ordered.map(String));
    expect(await walk(store, { limit: 3 })).toEqual(ordered.map(String));
    expect(await walk(store, { limit: 3, reverse: true })).toEqual(ordered.map(String).reverse());
    for (const [index, text] of ODD_TEXTS.entries()) {
      expect(await listIds(store, { prefix: [text] })).toEqual([`${index}`]);
      expect(await store.count("thing", { index: "by_key", prefix: [text] })).toBe(1);
    }
  });

  test("any keys in any order are paged as they sort", async () => {
    const { store } = subject;
    const text = fc.string({ unit: anyCharacter, maxLength: 4 });
    const parts = fc.array(fc.oneof(text, fc.nat(20)), { maxLength: 3 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(parts, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (keys, reverse) => {
          round += 1;
          const ids = keys.map((_, index) => `${round}-${String(index).padStart(2, "0")}`);
          await land(
            store,
            keys.map((key, index) => keyed(ids[index] ?? "", [`round ${round}`, ...key])),
          );
          const sorted = keys
            .map((key, index) => ({ key: encodeKey(key), id: ids[index] ?? "" }))
            .sort((a, b) => byBytes(a.key, b.key) || byBytes(a.id, b.id))
            .map(({ id }) => id);
          const walked = await walk(store, { prefix: [`round ${round}`], limit: 5, reverse });
          expect(walked).toEqual(reverse ? sorted.reverse() : sorted);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("pages neither skip nor repeat records with equal keys", async () => {
    const { store } = subject;
    const ids = range(25).map((index) => String(index).padStart(2, "0"));
    await land(
      store,
      ids.map((id) => keyed(id, [Number(id) % 3])),
    );
    const ordered = [0, 1, 2].flatMap((rest) => ids.filter((id) => Number(id) % 3 === rest));
    for (const limit of [1, 4, 25, 26]) {
      expect(await walk(store, { limit })).toEqual(ordered);
      expect(await walk(store, { limit, reverse: true })).toEqual([...ordered].reverse());
      expect(await walk(store, { limit, prefix: [1] })).toEqual(ids.filter((id) => Number(id) % 3 === 1));
    }
  });

  test("odd ids are found and told apart, also under one key", async () => {
    const { store } = subject;
    const ids = ODD_TEXTS.toSorted(byBytes);
    await land(
      store,
      ids.map((id) => keyed(id, ["same"])),
    );
    expect(await listIds(store)).toEqual(ids);
    expect(await walk(store, { limit: 2 })).toEqual(ids);
    expect(await walk(store, { limit: 2, reverse: true })).toEqual(ids.toReversed());
    for (const id of ids) expect(await store.get("thing", id)).toEqual({ id, revision: 1, data: { id } });
    expect(await store.getMany("thing", ids)).toHaveLength(ids.length);
  });

  test("a cursor holds its place when its record and its neighbours are gone", async () => {
    const { store } = subject;
    await land(
      store,
      range(9).map((index) => keyed(`${index}`, ["k", Math.floor(index / 3)])),
    );
    const page = await store.list("thing", { index: "by_key", limit: 5 });
    const after = page.at(-1)?.cursor ?? "";
    await land(store, [
      { op: "delete", kind: "thing", id: "4" },
      { op: "delete", kind: "thing", id: "5" },
      keyed("3a", ["k", 1]),
      keyed("5a", ["k", 1]),
    ]);
    expect(await listIds(store, { after })).toEqual(["5a", "6", "7", "8"]);
    expect(await listIds(store, { after, reverse: true })).toEqual(["3a", "3", "2", "1", "0"]);
    expect(await listIds(store, { after, prefix: ["k", 2] })).toEqual(["6", "7", "8"]);
    expect(await listIds(store, { after, prefix: ["k", 0], reverse: true })).toEqual(["2", "1", "0"]);
  });

  test.each(["", "!", "bm90IGEgY3Vyc29y"])("%j is no cursor", async (after) => {
    await expect(subject.store.list("thing", { index: "by_key", limit: 1, after })).rejects.toThrow(
      RangeError,
    );
  });

  test.each([-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])("%d is no index key", async (value) => {
    const { store } = subject;
    await expect(store.commit([put("a"), keyed("b", [value])])).rejects.toThrow(RangeError);
    expect(await store.get("thing", "a")).toBeUndefined();
  });

  test("a record is listed by the keys of its last put only", async () => {
    const { store } = subject;
    const put = (keys: Record<string, KeyParts>): Op => ({
      op: "put",
      kind: "thing",
      id: "a",
      data: 1,
      keys,
    });
    const listed = async (index: string) =>
      (await store.list("thing", { index, limit: 9 })).map(({ id, revision }) => `${id}@${revision}`);
    await land(store, [put({ by_key: ["x"], by_other: ["y"] })]);
    await land(store, [put({ by_key: ["x"], by_other: ["z"] })]);
    expect([await listed("by_key"), await listed("by_other")]).toEqual([["a@2"], ["a@2"]]);
    expect(await store.list("thing", { index: "by_other", prefix: ["y"], limit: 9 })).toEqual([]);
    await land(store, [put({ by_third: [3] })]);
    expect([await listed("by_key"), await listed("by_other"), await listed("by_third")]).toEqual([
      [],
      [],
      ["a@3"],
    ]);
    await land(store, [{ op: "delete", kind: "thing", id: "a" }]);
    expect(await listed("by_third")).toEqual([]);
    expect(await store.count("thing", { index: "by_third" })).toBe(0);
  });

  test("kinds are apart, also when they share ids and keys", async () => {
    const { store } = subject;
    await land(store, [keyed("a", ["k"]), keyed("a", ["k"], "thing2"), keyed("b", ["k"], "thing2")]);
    await land(store, [{ op: "delete", kind: "thing2", id: "a" }]);
    expect(await listIds(store)).toEqual(["a"]);
    expect(await listIds(store, {}, "thing2")).toEqual(["b"]);
  });
}
