import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SimulatedClock, sleep, systemClock } from "./clock.ts";

describe("a simulated clock", () => {
  test("stands still until it is moved", async () => {
    const clock = new SimulatedClock(1000);
    expect(clock.now()).toBe(1000);
    await clock.advance(250);
    expect(clock.now()).toBe(1250);
  });

  test("fires what falls due, in the order of time and then of scheduling, and tells the time it fell due", async () => {
    const clock = new SimulatedClock(0);
    const fired: [string, number][] = [];
    const note = (name: string) => () => fired.push([name, clock.now()]);
    clock.schedule(30, note("late"));
    clock.schedule(10, note("first"));
    clock.schedule(10, note("second"));
    clock.schedule(-5, note("overdue"));
    clock.schedule(31, note("after the end"));
    expect(clock.nextDueAt()).toBe(0);
    await clock.advance(30);
    expect(fired).toEqual([
      ["overdue", 0],
      ["first", 10],
      ["second", 10],
      ["late", 30],
    ]);
    expect(clock.nextDueAt()).toBe(31);
  });

  test("fires what was scheduled on the way, also by promises", async () => {
    const clock = new SimulatedClock(0);
    const fired: number[] = [];
    const loop = (async () => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(clock, 10);
        fired.push(clock.now());
      }
    })();
    await clock.advance(100);
    await loop;
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.nextDueAt()).toBeUndefined();
  });

  test("does not fire what was cancelled", async () => {
    const clock = new SimulatedClock(0);
    const never = vi.fn();
    clock.schedule(10, never).cancel();
    await clock.advance(100);
    expect(never).not.toHaveBeenCalled();
  });
});

describe("a sleep", () => {
  test("ends when its time has come", async () => {
    const clock = new SimulatedClock(0);
    const slept = sleep(clock, 10).then(() => clock.now());
    await clock.advance(50);
    expect(await slept).toBe(10);
  });

  test("ends at once when its signal aborts, and leaves no timer", async () => {
    const clock = new SimulatedClock(0);
    const stop = new AbortController();
    const slept = sleep(clock, 1000, stop.signal);
    stop.abort();
    await slept;
    expect(clock.nextDueAt()).toBeUndefined();
    await sleep(clock, 1000, stop.signal);
    expect(clock.nextDueAt()).toBeUndefined();
  });
});

describe("the machine's clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 5000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("tells the time and calls once", () => {
    const run = vi.fn();
    expect(systemClock.now()).toBe(5000);
    systemClock.schedule(100, run);
    vi.advanceTimersByTime(99);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(run).toHaveBeenCalledOnce();
  });

  test("waits for months, which no Node timer can", () => {
    const run = vi.fn();
    const months = 100 * 24 * 3600 * 1000;
    systemClock.schedule(months, run);
    vi.advanceTimersByTime(months - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  test("cancels, also after a timer was armed again", () => {
    const run = vi.fn();
    const months = 100 * 24 * 3600 * 1000;
    const timer = systemClock.schedule(months, run);
    vi.advanceTimersByTime(months - 1);
    timer.cancel();
    vi.advanceTimersByTime(months);
    expect(run).not.toHaveBeenCalled();
  });
});
