import { describe, expect, test } from "vitest";
import type { ModelRequest } from "../engine/ports.ts";
import { SimulatedClock } from "../kernel/clock.ts";
import type { AttemptOutcome, Driver } from "./driver.ts";
import { cancelled, failure } from "./failure.ts";
import { callWithRetries, MAX_ATTEMPTS } from "./retry.ts";
import { requestOf } from "./testing/kit.ts";

const ANSWER: AttemptOutcome = {
  ok: true,
  message: { role: "assistant", parts: [], route_id: "r", model: "m", finish_reason: "stop" },
};
const BUSY = failure("server_overloaded", "busy");

/** A driver that gives these outcomes in order, the last one for ever, and notes what it was asked. */
function driverOf(...outcomes: AttemptOutcome[]) {
  const asked: ModelRequest[] = [];
  const driver: Driver = {
    attempt: async (request) => {
      asked.push(request);
      return outcomes[Math.min(asked.length, outcomes.length) - 1] ?? ANSWER;
    },
  };
  return { driver, asked };
}

function start(driver: Driver, generation = {}, unit = 0, signal = new AbortController().signal) {
  const clock = new SimulatedClock();
  const request = requestOf({ route_id: "r", driver: "d", model: "m" }, "go", { generation });
  const outcome = callWithRetries(
    driver,
    request,
    { signal },
    { clock, random: { hex: () => "", unit: () => unit } },
  );
  return { clock, outcome };
}

/** The waits between attempts, as the clock saw them. */
async function waitsOf({ clock, outcome }: ReturnType<typeof start>): Promise<number[]> {
  const waits: number[] = [];
  let done = false;
  void outcome.finally(() => {
    done = true;
  });
  await clock.advance(0);
  while (!done) {
    const wait = (clock.nextDueAt() ?? clock.now()) - clock.now();
    waits.push(wait);
    await clock.advance(wait);
  }
  return waits;
}

describe("callWithRetries", () => {
  test.each([
    { unit: 0, waits: [500, 1_000, 2_000] },
    { unit: 0.5, waits: [750, 1_500, 3_000] },
  ])(
    "02-R45: waits longer each time, with jitter ($unit), and gives up after four attempts",
    async ({ unit, waits }) => {
      const { driver, asked } = driverOf(BUSY);
      const call = start(driver, {}, unit);
      expect(await waitsOf(call)).toEqual(waits);
      expect(await call.outcome).toEqual(BUSY);
      expect(asked.length).toBe(MAX_ATTEMPTS);
    },
  );

  test("02-R45: answers with the first attempt that does", async () => {
    const { driver, asked } = driverOf(BUSY, ANSWER);
    const call = start(driver);
    await waitsOf(call);
    expect(await call.outcome).toEqual(ANSWER);
    expect(asked.length).toBe(2);
  });

  test.each([
    { asks: 7_000, waits: 7_000 },
    { asks: 0, waits: 0 },
    { asks: 3_600_000, waits: 60_000 },
  ])("02-R45: a provider that asks for $asks ms gets $waits", async ({ asks, waits }) => {
    const { driver } = driverOf(failure("rate_limited", "slow down", { retry_after_ms: asks }), ANSWER);
    expect(await waitsOf(start(driver))).toEqual([waits]);
  });

  test.each([
    failure("auth", "no"),
    failure("invalid_request", "no"),
    failure("context_window_exceeded", "no"),
    failure("rate_limited", "no", { retryable: false }),
    cancelled(),
  ])("02-R45: does not repeat what cannot succeed ($error.class)", async (outcome) => {
    const { driver, asked } = driverOf(outcome);
    expect(await start(driver).outcome).toEqual(outcome);
    expect(asked.length).toBe(1);
  });

  test("02-R45: cancellation ends the wait", async () => {
    const { driver, asked } = driverOf(BUSY);
    const controller = new AbortController();
    const { outcome, clock } = start(driver, {}, 0, controller.signal);
    await clock.advance(0);
    controller.abort();
    expect(await outcome).toEqual(cancelled());
    expect(asked.length).toBe(1);
    expect(clock.nextDueAt()).toBeUndefined();
  });

  test("a call that is cancelled before it begins asks nobody", async () => {
    const { driver, asked } = driverOf(ANSWER);
    expect(await start(driver, {}, 0, AbortSignal.abort()).outcome).toEqual(cancelled());
    expect(asked).toEqual([]);
  });
});

describe("02-R45: the output limit that fits", () => {
  const overflow = (tokens: number) =>
    failure("context_window_exceeded", "too much", { fitting_output_tokens: tokens });
  const limits = (asked: ModelRequest[]) => asked.map(({ generation }) => generation.max_output_tokens);

  test.each([
    { what: "is used at once", asks: 20_000, fits: 9_000, limits: [20_000, 9_000] },
    { what: "is used where none was asked", asks: undefined, fits: 9_000, limits: [undefined, 9_000] },
    { what: "is no use below 3000", asks: 20_000, fits: 2_999, limits: [20_000] },
    { what: "is no use when the request was smaller", asks: 5_000, fits: 9_000, limits: [5_000] },
  ])("$what", async ({ asks, fits, limits: expected }) => {
    const { driver, asked } = driverOf(overflow(fits), ANSWER);
    const call = start(driver, asks === undefined ? {} : { max_output_tokens: asks });
    expect(await waitsOf(call)).toEqual([]);
    expect(limits(asked)).toEqual(expected);
  });

  test("is not part of what the engine sees", async () => {
    const { driver } = driverOf(overflow(100));
    const outcome = await start(driver).outcome;
    expect(outcome).toEqual(failure("context_window_exceeded", "too much"));
  });

  test("does not go round in circles", async () => {
    const { driver, asked } = driverOf(overflow(9_000));
    expect((await start(driver).outcome).ok).toBe(false);
    expect(asked.length).toBe(2);
  });
});
