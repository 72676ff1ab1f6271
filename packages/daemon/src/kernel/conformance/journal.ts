import fc from "fast-check";
import { expect, test } from "vitest";
import type { AppendOp, Store, StoredEvent, StreamRange } from "../store.ts";
import { event, land, NOW, type OpenFixture, range, refusal, tick, useStore } from "./fixture.ts";
import { anyCharacter } from "./texts.ts";

function append(stream: string, count = 1, expectedSeq?: number): AppendOp {
  const guard = expectedSeq === undefined ? {} : { expectedSeq };
  return { op: "append", stream, events: range(count).map((index) => event(index)), ...guard };
}

const seqs = (events: readonly StoredEvent[]) => events.map(({ seq }) => seq);
const positions = (events: readonly StoredEvent[]) => events.map(({ position }) => position);

/** Reads the whole journal in small pages, as a tail does. */
async function tail(store: Store, afterPosition = 0): Promise<StoredEvent[]> {
  const page = await store.readAll({ afterPosition, limit: 7 });
  const last = page.at(-1);
  return last === undefined ? [] : [...page, ...(await tail(store, last.position))];
}

export function journalConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("an empty journal has no head and no events", async () => {
    const { store } = subject;
    expect(await store.head()).toBe(0);
    expect(await store.streamHead("nothing")).toBe(0);
    expect(await store.readStream("nothing")).toEqual([]);
    expect(await store.readAll({ afterPosition: 0, limit: 10 })).toEqual([]);
  });

  test("K3 seqs count 1, 2, 3 within a stream, positions grow over all of them", async () => {
    const { store } = subject;
    const first = await land(store, [append("a", 2), append("b", 1), append("a", 1)]);
    expect(first.appended[0]).toMatchObject({ firstSeq: 1, lastSeq: 2 });
    expect(first.appended[1]).toMatchObject({ firstSeq: 1, lastSeq: 1 });
    expect(first.appended[2]).toMatchObject({ firstSeq: 3, lastSeq: 3 });
    const second = await land(store, [append("a", 1)]);
    expect(second.appended[0]).toMatchObject({ firstSeq: 4, lastSeq: 4 });
    expect(await store.streamHead("a")).toBe(4);

    const all = await store.readAll({ afterPosition: 0, limit: 100 });
    expect(all.map(({ stream, seq }) => [stream, seq])).toEqual([
      ["a", 1],
      ["a", 2],
      ["b", 1],
      ["a", 3],
      ["a", 4],
    ]);
    expect(positions(all)).toEqual([...new Set(positions(all))].sort((x, y) => x - y));
    expect(second.appended[0]?.lastPosition).toBe(all.at(-1)?.position);
    expect(await store.head()).toBe(all.at(-1)?.position);
  });

  test("an event is read as it was written", async () => {
    const { store } = subject;
    await land(store, [
      { op: "append", stream: "s", events: [{ type: "said", atMs: NOW + 5, data: { text: "hi" } }] },
    ]);
    const [read] = await store.readStream("s");
    expect(read).toEqual({
      position: await store.head(),
      stream: "s",
      seq: 1,
      type: "said",
      atMs: NOW + 5,
      data: { text: "hi" },
    });
  });

  test("K3 an append that expects another head is refused and leaves no trace", async () => {
    const { store } = subject;
    expect(await refusal(store, [append("s", 1, 1)])).toEqual({ ok: false, reason: "stale_seq", op: 0 });
    await land(store, [append("s", 2, 0)]);
    expect(await refusal(store, [append("s", 1, 1)])).toMatchObject({ reason: "stale_seq" });
    expect(await refusal(store, [append("s", 1, 3)])).toMatchObject({ reason: "stale_seq" });
    await land(store, [append("s", 1, 2), append("s", 1, 3)]);
    expect(seqs(await store.readStream("s"))).toEqual([1, 2, 3, 4]);
  });

  test("K3 of a hundred appends that expect the same head one wins, round after round", async () => {
    const { store } = subject;
    for (const round of range(5)) {
      const results = await Promise.all(range(100).map(() => store.commit([append("s", 1, round)])));
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    }
    expect(seqs(await store.readStream("s"))).toEqual([1, 2, 3, 4, 5]);
  });

  test("K3 a hundred appends at once leave no gap", async () => {
    const [a, b] = await subject.pair();
    const results = await Promise.all(
      range(100).map((index) => land(index % 2 ? a : b, [append("s", 1 + (index % 3))])),
    );
    const given = results.flatMap(({ appended }) => {
      const { firstSeq, lastSeq } = appended[0] ?? { firstSeq: 0, lastSeq: -1 };
      return range(lastSeq - firstSeq + 1).map((offset) => firstSeq + offset);
    });
    const read = seqs(await a.readStream("s"));
    expect(read).toEqual(range(read.length).map((index) => index + 1));
    expect(given.sort((x, y) => x - y)).toEqual(read);
  });

  test("K1 a restart finds the events and counts on from them", async () => {
    await land(subject.store, [append("s", 3)]);
    const before = await subject.store.readStream("s");
    const store = await subject.restart();
    expect(await store.readStream("s")).toEqual(before);
    const { appended } = await land(store, [append("s", 1, 3)]);
    expect(appended[0]).toMatchObject({ firstSeq: 4 });
    expect(appended[0]?.lastPosition).toBeGreaterThan(before.at(-1)?.position ?? 0);
  });

  test.each<[string, StreamRange, number[]]>([
    ["everything", {}, [1, 2, 3, 4, 5]],
    ["after a seq", { afterSeq: 2 }, [3, 4, 5]],
    ["up to a seq", { toSeq: 2 }, [1, 2]],
    ["between two", { afterSeq: 1, toSeq: 4 }, [2, 3, 4]],
    ["a page", { afterSeq: 1, limit: 2 }, [2, 3]],
    ["the newest first", { reverse: true }, [5, 4, 3, 2, 1]],
    ["the newest two", { reverse: true, limit: 2 }, [5, 4]],
    ["backwards within bounds", { reverse: true, afterSeq: 1, toSeq: 4, limit: 2 }, [4, 3]],
    ["after the end", { afterSeq: 5 }, []],
    ["none at all", { limit: 0 }, []],
  ])("a stream is read by seq: %s", async (_, streamRange, expected) => {
    const { store } = subject;
    for (const round of range(5)) await land(store, [append("s", 1, round), append("other", 2)]);
    expect(seqs(await store.readStream("s", streamRange))).toEqual(expected);
  });

  test("events of a stream are read by their seqs, each once and in order", async () => {
    const { store } = subject;
    for (const round of range(5)) await land(store, [append("s", 1, round), append("other", 2)]);
    expect(seqs(await store.readEvents("s", [4, 2, 4, 9]))).toEqual([2, 4]);
    expect(await store.readEvents("s", [2])).toEqual(await store.readStream("s", { afterSeq: 1, toSeq: 2 }));
    expect(await store.readEvents("s", [])).toEqual([]);
    expect(await store.readEvents("nothing", [1])).toEqual([]);
  });

  test("a stream is read by position, also by one that belongs to another stream", async () => {
    const { store } = subject;
    for (const round of range(20)) await land(store, [append(round % 3 === 0 ? "s" : "other", 2)]);
    const own = await store.readStream("s");
    for (const position of [0, ...positions(await tail(store)), Number.MAX_SAFE_INTEGER]) {
      const later = own.filter((stored) => stored.position > position);
      expect(await store.readStream("s", { afterPosition: position })).toEqual(later);
      expect(await store.readStream("s", { afterPosition: position, afterSeq: 4 })).toEqual(
        later.filter(({ seq }) => seq > 4),
      );
    }
  });

  test("names tell streams apart byte by byte", async () => {
    const { store } = subject;
    const names = [
      "s",
      "S",
      "s ",
      "session/1",
      "session/10",
      "ключ",
      "é",
      "e\u0301",
      "🎈",
      "\u0000",
      "a\u0000b",
      "x".repeat(500),
    ];
    await land(
      store,
      names.map((name) => append(name)),
    );
    for (const name of names) {
      const events = await store.readStream(name);
      expect(events).toHaveLength(1);
      expect(events[0]?.stream).toBe(name);
    }
  });

  test("payloads come back as the JSON they were", async () => {
    const { store } = subject;
    const payload = {
      text: 'null \u0000, quote ", backslash \\, newline \n, line separator \u2028, 汉字, 👩‍👩‍👧‍👦, \u{10ffff}',
      numbers: [0, -1, 0.1, 1e21, 1e-7, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE],
      nothing: null,
      nested: { "": { "a.b": [[], {}, [[false, true]]] } },
    };
    await land(store, [{ op: "append", stream: "s", events: [event(payload)] }]);
    expect((await store.readStream("s"))[0]?.data).toEqual(payload);
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3, stringUnit: anyCharacter }), async (value) => {
        const data = JSON.parse(JSON.stringify(value));
        const { appended } = await land(store, [{ op: "append", stream: "s", events: [event(data)] }]);
        const [read] = await store.readStream("s", { afterSeq: (appended[0]?.lastSeq ?? 0) - 1 });
        expect(read?.data).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });

  test("an event of five megabytes comes back whole", async () => {
    const { store } = subject;
    const text = "0123456789ü".repeat(500_000);
    await land(store, [append("s"), { op: "append", stream: "s", events: [event({ text })] }, append("s")]);
    const [read] = await store.readStream("s", { afterSeq: 1, limit: 1 });
    expect(read?.data).toEqual({ text });
  });

  test("K4 a tail sees every event once and in order while fifty writers commit", async () => {
    const [writer, reader] = await subject.pair();
    const seen: StoredEvent[] = [];
    let writing = true;
    const reading = (async () => {
      for (let last = 0; ; ) {
        const final = !writing;
        const trusted = await reader.head();
        const page = await reader.readAll({ afterPosition: last, limit: 16 });
        if (page.length < 16 && page.length > 0)
          expect(page.at(-1)?.position).toBeGreaterThanOrEqual(trusted);
        seen.push(...page);
        last = page.at(-1)?.position ?? last;
        if (final && page.length === 0) return;
        await tick();
      }
    })();
    await Promise.all(
      range(50).map(async (index) => {
        for (const round of range(6)) {
          const store = index % 2 ? writer : reader;
          await land(store, [append(`own-${index}`, 1, round), append("shared", 2)]);
        }
      }),
    );
    writing = false;
    await reading;

    expect(seen).toEqual(await tail(reader));
    expect(seen).toHaveLength(50 * 6 * 3);
    expect(seqs(seen.filter(({ stream }) => stream === "shared"))).toEqual(range(600).map((seq) => seq + 1));
  });
}
