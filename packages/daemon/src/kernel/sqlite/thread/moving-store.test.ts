import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../clock.ts";
import { event, land, put, range } from "../../conformance/fixture.ts";
import { useScratch } from "../../conformance/scratch.ts";
import { StoreError } from "../../store.ts";
import { openMovingStore } from "../index.ts";
import type { MovingStore, Where } from "./moving-store.ts";
import { errorOf, failureOf } from "./protocol.ts";

const scratch = useScratch();

const clock = new SimulatedClock();

/** Answers where it has been, too. */
async function opened(): Promise<{ store: MovingStore; places: Where[] }> {
  const places: Where[] = [];
  const onMoved = (where: Where) => places.push(where);
  const store = await openMovingStore({ path: scratch("store.db"), clock, processors: 1, onMoved });
  return { store, places };
}

/** Commits without a pause until told to stop; answers what was acknowledged. */
function writer(store: MovingStore, name: string) {
  let goesOn = true;
  const work = async () => {
    const acknowledged: number[] = [];
    while (goesOn) {
      const id = await store.reserveIds("numbers", 1);
      await land(store, [
        { op: "append", stream: "shared", events: [event(id)] },
        put(`${name} ${acknowledged.length}`, id, 0),
      ]);
      expect((await store.get("thing", `${name} ${acknowledged.length}`))?.data).toBe(id);
      acknowledged.push(id);
    }
    return acknowledged;
  };
  const done = work();
  return {
    stop: () => {
      goesOn = false;
      return done;
    },
  };
}

test("K1 K3 a store that moves while many write loses nothing, gives no number twice, and everybody reads what they wrote", async () => {
  const { store, places } = await opened();
  const writers = range(20).map((index) => writer(store, `${index}`));
  for (const _again of range(2)) {
    await land(store, [put("here")]);
    await store.move();
    for (const _more of range(20)) await land(store, [put("there")]);
    await store.comeBack();
  }
  await land(store, [put("here")]);
  const acknowledged = (await Promise.all(writers.map(({ stop }) => stop()))).flat();
  expect(places).toEqual(["in a thread of its own", "here", "in a thread of its own", "here"]);

  const events = await store.readStream("shared");
  expect(events.map(({ seq }) => seq)).toEqual(range(events.length).map((index) => index + 1));
  expect(events.map(({ data }) => data).toSorted(ascending)).toEqual(acknowledged.toSorted(ascending));
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  await store.close();
  const again = await opened();
  expect(await again.store.readStream("shared")).toEqual(events);
  await again.store.close();
});

test("numbers that were reserved and are in no commit yet are not given again after a move", async () => {
  const { store } = await opened();
  const numbers = [await store.reserveIds("numbers", 1)];
  await store.move();
  numbers.push(await store.reserveIds("numbers", 1));
  await store.comeBack();
  numbers.push(await store.reserveIds("numbers", 1));
  expect(numbers).toEqual([1, 2, 3]);
  await store.close();
});

test("whoever waited for news before a move is woken after it", async () => {
  const { store } = await opened();
  const woken: string[] = [];
  store.onCommit("events", () => woken.push("events"));
  const leave = store.onCommit("items", () => woken.push("items"));
  await store.move();
  await land(store, [{ op: "append", stream: "a", events: [event(1)] }]);
  await expect.poll(() => woken).toEqual(["events"]);
  await land(store, [{ op: "enqueue", queue: "q", key: "k", dueAtMs: 0, payload: 1 }]);
  await expect.poll(() => woken).toEqual(["events", "items"]);
  await store.comeBack();
  leave();
  await land(store, [{ op: "enqueue", queue: "q", key: "l", dueAtMs: 0, payload: 1 }]);
  await land(store, [{ op: "append", stream: "a", events: [event(2)] }]);
  await expect.poll(() => woken).toEqual(["events", "items", "events"]);
  await store.close();
});

test("a store that has been calm for three seconds comes back", async () => {
  const { store, places } = await opened();
  await store.move();
  await clock.advance(2_999);
  expect(places).toEqual(["in a thread of its own"]);
  await clock.advance(1);
  await expect.poll(() => places).toEqual(["in a thread of its own", "here"]);
  await land(store, [put("a")]);
  await store.close();
});

test("a thread that cannot open the file leaves the store where it is, and so does a return", async () => {
  const { store, places } = await opened();
  const other = new DatabaseSync(scratch("store.db"));
  const refuse = () => other.exec("INSERT INTO schema_migrations (version, applied_at_ms) VALUES (99, 0)");
  refuse();
  await store.move();
  await land(store, [put("here")]);
  expect(places).toEqual([]);
  other.exec("DELETE FROM schema_migrations WHERE version = 99");
  await store.move();
  refuse();
  await store.comeBack();
  await land(store, [put("there")]);
  expect(places).toEqual(["in a thread of its own"]);
  expect([await store.get("thing", "here"), await store.get("thing", "there")]).not.toContain(undefined);
  other.close();
  await store.close();
});

test("a store that is closed on the way has written everything, and answers nothing more", async () => {
  const first = await opened();
  const landing = land(first.store, [put("a")]);
  void first.store.move();
  await Promise.all([landing, first.store.close()]);
  await expect(first.store.get("thing", "a")).rejects.toMatchObject({ code: "unavailable" });

  const second = await opened();
  expect(await second.store.get("thing", "a")).toBeDefined();
  await second.store.move();
  await second.store.close();
  await expect(second.store.commit([put("b")])).rejects.toMatchObject({
    name: "StoreError",
    code: "unavailable",
  });
  await second.store.close();

  const third = await opened();
  await third.store.move();
  const onTheWay = land(third.store, [put("c")]);
  void third.store.comeBack();
  await Promise.all([onTheWay, third.store.close()]);
  const fourth = await opened();
  expect(await fourth.store.get("thing", "c")).toBeDefined();
  await fourth.store.close();
});

test("what the store throws over there is thrown here", () => {
  const crossed = (error: unknown) => errorOf(JSON.parse(JSON.stringify(failureOf(error))));
  expect(crossed(new StoreError("full", "no room"))).toEqual(new StoreError("full", "no room"));
  expect(crossed(new StoreError("full", "no room"))).toMatchObject({ code: "full", name: "StoreError" });
  expect(crossed(new RangeError("not a cursor"))).toBeInstanceOf(RangeError);
  expect(crossed("odd")).toEqual(new Error("odd"));
});

function ascending(one: unknown, other: unknown): number {
  return Number(one) - Number(other);
}
