import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { callThrough, requestOf, routeKit, textIn } from "../testing/kit.ts";
import { WireDouble } from "../testing/wire-double.ts";
import { Deadline } from "./deadline.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const chunk = (content: string, finish_reason: string | null = null) => ({
  id: "c1",
  choices: [{ index: 0, delta: { content }, finish_reason }],
});
const kitOf = (more = "") =>
  routeKit({ driver: "openai_compatible", model: "local", baseUrl: `${wire.url}/v1`, more });

describe("Deadline", () => {
  const limits = { timeout_ms: 10_000, inactivity_timeout_ms: 4_000 };

  test("02-A8: ends an attempt that is silent for too long", async () => {
    const clock = new SimulatedClock();
    const deadline = new Deadline(clock, limits, new AbortController().signal);
    await clock.advance(3_000);
    deadline.touch();
    await clock.advance(3_999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
    expect(deadline.expired).toBe("The provider sent nothing for 4000 ms.");
    expect(clock.nextDueAt()).toBeUndefined();
  });

  test("02-A8: ends an attempt that takes too long as a whole", async () => {
    const clock = new SimulatedClock();
    const deadline = new Deadline(clock, limits, new AbortController().signal);
    for (let step = 0; step < 10; step++) {
      deadline.touch();
      await clock.advance(1_000);
    }
    expect(deadline.expired).toBe("The provider did not finish its answer within 10000 ms.");
  });

  test("leaves no timer behind when it is closed", () => {
    const clock = new SimulatedClock();
    new Deadline(clock, limits, new AbortController().signal).close();
    expect(clock.nextDueAt()).toBeUndefined();
  });
});

test("02-A8: a silent stream is tried again", async () => {
  wire.plan({ events: [chunk("Hi")], after: "silence" }, { events: [chunk("Ok", "stop")] });
  const kit = kitOf("timeout_ms = 10000\ninactivity_timeout_ms = 4000");
  const { outcome } = await callThrough(kit, requestOf(kit.route, "go"));
  expect(textIn(outcome)).toBe("Ok");
  expect(wire.requests.length).toBe(2);
});

test("02-A8: an answer that does not end in time is tried again", async () => {
  wire.plan({ events: [chunk("Hi")], after: "silence" }, { events: [chunk("Ok", "stop")] });
  const kit = kitOf("timeout_ms = 10000\ninactivity_timeout_ms = 60000");
  const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "go"));
  expect(textIn(outcome)).toBe("Ok");
  expect(waits[0]).toBe(10_000);
});

test("a server that is not there is a transport failure", async () => {
  const kit = routeKit({ driver: "openai_compatible", model: "local", baseUrl: "http://127.0.0.1:1/v1" });
  const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "go"));
  expect(outcome).toMatchObject({ ok: false, error: { class: "transport", retryable: true } });
  expect(waits.length).toBe(3);
});

test("a call resolves as cancelled when its signal aborts in the middle of a stream", async () => {
  wire.plan({ events: [chunk("Hi")], after: "silence" });
  const kit = kitOf();
  const controller = new AbortController();
  const outcome = await kit.models.call(requestOf(kit.route, "go"), {
    signal: controller.signal,
    onDelta: () => controller.abort(),
  });
  expect(outcome).toMatchObject({ ok: false, error: { class: "cancelled", retryable: false } });
  expect(kit.clock.nextDueAt()).toBeUndefined();
});
