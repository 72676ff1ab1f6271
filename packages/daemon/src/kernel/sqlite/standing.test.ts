import { existsSync } from "node:fs";
import { mkdir, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SimulatedClock } from "../clock.ts";
import { land, put, range } from "../conformance/fixture.ts";
import { useScratch } from "../conformance/scratch.ts";
import { openMovingStore, openSqliteStore } from "./index.ts";

const scratch = useScratch();
const LOST = {
  name: "StoreError",
  code: "unavailable",
  message: expect.stringContaining("nothing is accepted"),
};

async function openedIn(folder: string) {
  await mkdir(scratch(folder));
  const path = join(scratch(folder), "store.db");
  return { path, store: await openMovingStore({ path, clock: new SimulatedClock(), processors: 1 }) };
}

test("K1 a store that was moved acknowledges nothing, in either thread, and goes on when it is back", async () => {
  const { store } = await openedIn("state");
  for (const id of ["here", "there"]) {
    await land(store, [put(`${id} before`)]);
    await rename(scratch("state"), scratch("elsewhere"));
    await expect(store.commit([put(`${id} lost`)])).rejects.toMatchObject(LOST);
    await rename(scratch("elsewhere"), scratch("state"));
    await land(store, [put(`${id} after`)]);
    expect(await store.get("thing", `${id} lost`)).toBeUndefined();
    await store.move();
  }
  await store.close();
});

test("K1 a store whose file was deleted or replaced is not opened anew by a move between threads", async () => {
  const { path, store } = await openedIn("state");
  await land(store, [put("a")]);
  await rm(path);
  await store.move();
  await expect(store.commit([put("b")])).rejects.toMatchObject(LOST);
  expect(existsSync(path)).toBe(false);

  const other = await openSqliteStore({ path });
  await store.move();
  await expect(store.commit([put("b")])).rejects.toMatchObject(LOST);
  expect(await other.get("thing", "a")).toBeUndefined();
  await land(other, [put("c")]);
  expect(await store.get("thing", "c")).toBeUndefined();
  await other.close();
  await store.close();
});

test.each(["store.db", "store.db-wal"])(
  "K1 nothing is acknowledged on a %s that was cut short",
  async (name) => {
    const { path, store } = await openedIn("state");
    await land(
      store,
      range(50).map((index) => put(`r${index}`, "x".repeat(500))),
    );
    await truncate(join(path, "..", name), 0);
    await expect(store.commit([put("b")])).rejects.toMatchObject(LOST);
  },
);

test("a log that is cut back after a burst is no loss", async () => {
  const { store } = await openedIn("state");
  const burst = range(90).map((index) => put(`r${index}`, "x".repeat(1_000_000)));
  await land(store, burst);
  for (const again of range(3)) await land(store, [put(`after ${again}`)]);
  await store.close();
});
