import { describe, expect, it } from "vitest";
import { nextFallback } from "./fallback.ts";
import type { ModelErrorClass, PinnedRoute } from "./ports.ts";

const target = (route_id: string, driver = "openai") => ({ route_id, driver, model: `${route_id}-model` });
/** Usable, though not without a word: a warning is no reason to pass over a target. */
const ready = (
  route_id: string,
  more: { provider?: string; state?: "warning" | "error"; message?: string } = {},
) => ({
  route_id,
  provider: "openai",
  state: "warning" as const,
  message: "",
  ...more,
});
const CHAIN: PinnedRoute = {
  ...target("a"),
  fallbacks: [target("b"), target("c")],
  fallback_on: ["overloaded", "transport"],
};
const ALL = [ready("a"), ready("b"), ready("c")];

function next(failure: ModelErrorClass, position?: number, route = CHAIN, readiness = ALL) {
  const taken = position === undefined ? undefined : { position, target: target("x") };
  return nextFallback(route, taken, failure, readiness);
}

describe("02-A8: the next target of a fallback chain", () => {
  it("is the first, then the one after the last that was taken, then none", () => {
    expect(next("transport")).toMatchObject({ position: 0, target: target("b"), skipped: [] });
    expect(next("transport", 0)).toMatchObject({ position: 1, target: target("c") });
    expect(next("transport", 1)).toBeUndefined();
  });

  it.each<[ModelErrorClass, boolean]>([
    ["server_overloaded", true],
    ["transport", true],
    ["rate_limited", false],
    ["context_window_exceeded", false],
    ["auth", false],
    ["invalid_request", false],
    ["cancelled", false],
    ["unknown", false],
  ])("on %s, with fallback_on = overloaded, transport: %s", (failure, taken) => {
    expect(next(failure) !== undefined).toBe(taken);
  });

  it("comes after the fallback model of the request, which needs no trigger (01-R85)", () => {
    const route = { ...CHAIN, fallback_model: "small" };
    expect(next("rate_limited", undefined, route)).toMatchObject({ position: 0, target: { model: "small" } });
    expect(next("context_window_exceeded", undefined, route)).toMatchObject({ target: { model: "small" } });
    expect(next("rate_limited", 0, route)).toBeUndefined();
    expect(next("transport", 0, route)).toMatchObject({ position: 1, target: target("b") });
  });

  it.each([
    ["has no key", [ready("b", { state: "error", message: "no key" }), ready("c")], "no key"],
    ["is gone", [ready("c")], "route 'b' no longer exists"],
    [
      "is another driver's",
      [ready("b", { provider: "xai" }), ready("c")],
      "route 'b' is of another driver now",
    ],
  ])("02-R36 02-R37 passes over one that %s, and says so", (_why, readiness, reason) => {
    expect(next("transport", undefined, CHAIN, readiness)).toEqual({
      position: 1,
      target: target("c"),
      skipped: [{ ...target("b"), reason }],
    });
  });
});
