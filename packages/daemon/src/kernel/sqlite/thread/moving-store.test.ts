import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { event, land, put, range } from "../../conformance/fixture.ts";
import { useScratch } from "../../conformance/scratch.ts";
import { StoreError } from "../../store.ts";
import { openMovingStore } from "../index.ts";
import type { MovingStore } from "./moving-store.ts";
import { errorOf, failureOf } from "./protocol.ts";

const scratch = useScratch();

async function opened(onMoved?: () => void): Promise<MovingStore> {
  return openMovingStore({ path: scratch("store.db"), processors: 1, ...(onMoved && { onMoved }) });
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
  let moves = 0;
  const store = await opened(() => moves++);
  const writers = range(20).map((index) => writer(store, `${index}`));
  await land(store, [put("before")]);
  await store.move();
  for (const _more of range(20)) await land(store, [put("after")]);
  const acknowledged = (await Promise.all(writers.map(({ stop }) => stop()))).flat();
  expect(moves).toBe(1);

  const events = await store.readStream("shared");
  expect(events.map(({ seq }) => seq)).toEqual(range(events.length).map((index) => index + 1));
  expect(events.map(({ data }) => data).toSorted(ascending)).toEqual(acknowledged.toSorted(ascending));
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  await store.close();
  const again = await opened();
  expect(await again.readStream("shared")).toEqual(events);
  await again.close();
});

test("whoever waited for news before the move is woken after it", async () => {
  const store = await opened();
  const woken: string[] = [];
  store.onCommit("events", () => woken.push("events"));
  const leave = store.onCommit("items", () => woken.push("items"));
  await store.move();
  await land(store, [{ op: "append", stream: "a", events: [event(1)] }]);
  await expect.poll(() => woken).toEqual(["events"]);
  await land(store, [{ op: "enqueue", queue: "q", key: "k", dueAtMs: 0, payload: 1 }]);
  await expect.poll(() => woken).toEqual(["events", "items"]);
  leave();
  await land(store, [{ op: "enqueue", queue: "q", key: "l", dueAtMs: 0, payload: 1 }]);
  await land(store, [{ op: "append", stream: "a", events: [event(2)] }]);
  await expect.poll(() => woken).toEqual(["events", "items", "events"]);
  await store.close();
});

test("a thread that cannot open the file leaves the store where it is", async () => {
  let moves = 0;
  const store = await opened(() => moves++);
  await land(store, [put("before")]);
  const other = new DatabaseSync(scratch("store.db"));
  other.exec("INSERT INTO schema_migrations (version, applied_at_ms) VALUES (99, 0)");
  await store.move();
  await land(store, [put("after")]);
  expect([await store.get("thing", "before"), await store.get("thing", "after")]).not.toContain(undefined);
  expect(moves).toBe(0);
  other.close();
  await store.close();
});

test("a store that is closed on the way has written everything, and answers nothing more", async () => {
  const store = await opened();
  const landing = land(store, [put("a")]);
  void store.move();
  await Promise.all([landing, store.close()]);
  await expect(store.get("thing", "a")).rejects.toMatchObject({ code: "unavailable" });
  const again = await opened();
  expect(await again.get("thing", "a")).toBeDefined();
  await again.move();
  await again.close();
  await expect(again.commit([put("b")])).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
  await again.close();
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
