import { describe, expect, it } from "vitest";
import { age, duration } from "./time.ts";

describe("duration", () => {
  it.each([
    [-5, "0ms"],
    [340, "340ms"],
    [4_200, "4.2s"],
    [42_000, "42s"],
    [59_999, "59s"],
    [185_000, "3m 5s"],
    [7_800_000, "2h 10m"],
    [273_600_000, "3d 4h"],
  ])("%i ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe("age", () => {
  const now = 1_700_000_000_000;
  it.each([
    [now, "now"],
    [now - 42_000, "42s ago"],
    [now - 185_000, "3m ago"],
    [now - 7_800_000, "2h ago"],
    [now - 273_600_000, "3d ago"],
    [now + 185_000, "in 3m"],
  ])("of %i is %s", (at, text) => {
    expect(age(at, now)).toBe(text);
  });
});
