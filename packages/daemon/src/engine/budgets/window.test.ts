import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTimezone, windowAt } from "./window.ts";

const KINDS = ["hour", "day", "month"] as const;
/** Whole and half hours, no summer time, both hemispheres, half an hour of it, and a day that was left out. */
const ZONES = [
  ...["UTC", "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu"],
  ...["Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns", "Africa/Casablanca"],
];
const kind = fc.constantFrom(...KINDS);
const timezone = fc.constantFrom(...ZONES);
const moment = fc.integer({ min: Date.UTC(2012, 0, 1), max: Date.UTC(2035, 0, 1) });

/** What a clock on the wall shows, by another formatter than the one that is tested. */
function wall(timeZone: string, atMs: number): string {
  return new Date(atMs).toLocaleString("sv-SE", { timeZone });
}

function span(zone: string, unit: (typeof KINDS)[number], at: string) {
  const { startMs, endMs = 0 } = windowAt({ kind: unit, timezone: zone }, Date.parse(at));
  return [new Date(startMs).toISOString(), new Date(endMs).toISOString()];
}

describe("a window", () => {
  it("02-A6: holds every moment in exactly one, and each ends where the next begins", () => {
    fc.assert(
      fc.property(kind, timezone, moment, (unit, zone, at) => {
        const window = { kind: unit, timezone: zone };
        const { startMs, endMs = 0 } = windowAt(window, at);
        expect(startMs).toBeLessThanOrEqual(at);
        expect(endMs).toBeGreaterThan(at);
        expect(windowAt(window, startMs)).toEqual({ startMs, endMs });
        expect(windowAt(window, endMs - 1)).toEqual({ startMs, endMs });
        expect(windowAt(window, endMs).startMs).toBe(endMs);
        expect(windowAt(window, startMs - 1).endMs).toBe(startMs);
      }),
      { numRuns: 300 },
    );
  });

  it("02-A6: of days and months begins at midnight by the clocks of its zone, or where midnight was left out", () => {
    fc.assert(
      fc.property(fc.constantFrom("day" as const, "month" as const), timezone, moment, (unit, zone, at) => {
        const { startMs, endMs = 0 } = windowAt({ kind: unit, timezone: zone }, at);
        const length = unit === "day" ? 10 : 7;
        const name = wall(zone, at).slice(0, length);
        expect(wall(zone, startMs).slice(0, length)).toBe(name);
        expect(wall(zone, endMs - 1).slice(0, length)).toBe(name);
        expect(wall(zone, startMs - 1).slice(0, length)).not.toBe(name);
        expect(wall(zone, endMs).slice(0, length)).not.toBe(name);
      }),
      { numRuns: 300 },
    );
  });

  it("02-A6: of an hour is an hour, but where a clock is changed, and never longer", () => {
    fc.assert(
      fc.property(timezone, moment, (zone, at) => {
        const { startMs, endMs = 0 } = windowAt({ kind: "hour", timezone: zone }, at);
        expect(endMs - startMs).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });

  it.each([
    ["UTC", "hour", "2026-03-29T01:30:00Z", ["2026-03-29T01:00:00.000Z", "2026-03-29T02:00:00.000Z"]],
    // 23 hours, 25 hours.
    ["Europe/Paris", "day", "2026-03-29T12:00:00Z", ["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"]],
    ["Europe/Paris", "day", "2026-10-25T12:00:00Z", ["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]],
    // The hour from two to three comes twice, and each time is a window.
    [
      "Europe/Paris",
      "hour",
      "2026-10-25T00:30:00Z",
      ["2026-10-25T00:00:00.000Z", "2026-10-25T01:00:00.000Z"],
    ],
    [
      "Europe/Paris",
      "hour",
      "2026-10-25T01:30:00Z",
      ["2026-10-25T01:00:00.000Z", "2026-10-25T02:00:00.000Z"],
    ],
    [
      "Asia/Kolkata",
      "hour",
      "2026-06-01T00:45:00Z",
      ["2026-06-01T00:30:00.000Z", "2026-06-01T01:30:00.000Z"],
    ],
    [
      "America/New_York",
      "month",
      "2026-03-15T00:00:00Z",
      ["2026-03-01T05:00:00.000Z", "2026-04-01T04:00:00.000Z"],
    ],
  ] as const)("02-A6: of %s a %s at %s", (zone, unit, at, expected) => {
    expect(span(zone, unit, at)).toEqual(expected);
  });

  it("02-A6: that is total has no end", () => {
    expect(windowAt({ kind: "total", timezone: "Europe/Paris" }, 5)).toEqual({ startMs: 0 });
  });

  it.each([
    ["Europe/Paris", true],
    ["UTC", true],
    ["Mars/Olympus", false],
    ["", false],
  ])("02-A6: knows whether %j is a zone", (name, known) => {
    expect(isTimezone(name)).toBe(known);
  });
});
