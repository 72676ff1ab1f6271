import { describe, expect, test } from "vitest";
import { isWorthAThread, Pressure } from "./pressure.ts";

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

describe("the pressure of flushes", () => {
  /** Flushes of so many commits, one every so many milliseconds; answers after how many seconds it was said, and how often. */
  function play(seconds: number, everyMs: number, flush: { commits: number; ms: number }) {
    const said: number[] = [];
    let nowMs = 5_000;
    const pressure = new Pressure(2, () => said.push((nowMs - 5_000) / 1_000));
    for (; nowMs < 5_000 + seconds * 1_000; nowMs += everyMs) pressure.add(flush, nowMs);
    return said;
  }

  test("is said once, after a second of it", () => {
    expect(play(10, 5, { commits: 20, ms: 2 })).toEqual([expect.closeTo(1, 1)]);
  });

  test("is not made of a burst and a long silence", () => {
    expect(play(10, 400, { commits: 20, ms: 2 })).toEqual([]);
  });
});
