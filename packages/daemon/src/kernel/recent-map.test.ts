import { expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

test("what was used longest ago makes room", () => {
  const map = new RecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect(map.get("b")).toBeUndefined();
  map.set("a", 4);
  map.set("d", 5);
  expect([map.get("a"), map.get("c"), map.get("d"), map.size]).toEqual([4, undefined, 5, 2]);
});

test("what is deleted or cleared is gone", () => {
  const map = new RecentMap<number>(4);
  map.set("a", 1);
  map.set("b", 2);
  map.delete("a");
  expect([map.get("a"), map.get("b")]).toEqual([undefined, 2]);
  map.clear();
  expect([map.get("b"), map.size]).toEqual([undefined, 0]);
});
