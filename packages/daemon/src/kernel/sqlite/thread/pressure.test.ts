import { describe, expect, test } from "vitest";
import { isCalm, isWorthAThread, Spending } from "./pressure.ts";

const second = { elapsedMs: 1_000, flushes: 1_000, commits: 1_000, flushMs: 400 };

describe("the store is worth a thread of its own", () => {
  test.each([
    ["not at rest", { ...second, flushes: 0, commits: 0 }, 8, false],
    ["not for one run at a time, however fast it goes", second, 8, false],
    ["when many share its flushes", { ...second, commits: 25_000 }, 2, true],
    ["not then on one processor", { ...second, commits: 25_000 }, 1, false],
    ["not while it takes little time", { ...second, commits: 25_000, flushMs: 150 }, 2, false],
    ["on a slow disk, also on one processor", { ...second, flushes: 100 }, 1, true],
  ])("%s", (_when, spent, processors, worth) => {
    expect(isWorthAThread(spent, processors)).toBe(worth);
  });
});

describe("the store is calm", () => {
  test.each([
    ["at rest", { ...second, flushes: 0, commits: 0, flushMs: 0 }, true],
    ["while one run goes at a time", second, true],
    ["not while it is worth a thread", { ...second, commits: 25_000 }, false],
    ["not yet at a little below that", { ...second, commits: 3_000 }, false],
    ["once there is little to write", { ...second, commits: 25_000, flushMs: 90 }, true],
    ["not on a disk that is nearly slow", { ...second, flushes: 160 }, false],
  ])("%s", (_when, spent, calm) => {
    expect(isCalm(spent, 2)).toBe(calm);
    expect(calm && isWorthAThread(spent, 2)).toBe(false);
  });
});

test("what is spent is added up from one look to the next", () => {
  const spending = new Spending(5_000);
  spending.add({ commits: 20, ms: 2 });
  spending.add({ commits: 1, ms: 1 });
  expect(spending.elapsedMs(5_900)).toBe(900);
  expect(spending.take(6_000)).toEqual({ elapsedMs: 1_000, flushes: 2, commits: 21, flushMs: 3 });
  expect(spending.take(8_000)).toEqual({ elapsedMs: 2_000, flushes: 0, commits: 0, flushMs: 0 });
});
