import type { Json, JsonObject } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical, digest, idempotencyKey, planRecovery, unknownOutcome } from "./ledger.ts";
import { DEFAULT_RUN_LIMITS } from "./limits.ts";
import type { EffectClass } from "./ports.ts";
import type { CallState } from "./state.ts";
import { call } from "./testing.ts";

const json = fc.jsonValue({ stringUnit: "grapheme" }) as fc.Arbitrary<Json>;
const objects = fc.dictionary(fc.string(), json) as fc.Arbitrary<JsonObject>;
const base = { run_id: "run-1", message_seq: 7, index: 0, tool_name: "send", input: { to: "a", text: "b" } };

function dispatched(effect: EffectClass, attempt = 1): CallState {
  return { call: call("c1", "send", { to: "a" }), phase: "dispatched", attempt, effect };
}

/** The same members in the opposite order, at every depth. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
}

describe("canonical text (RFC 8785)", () => {
  it.each<[Json, string]>([
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [[3, 1, 2], "[3,1,2]"],
    [{ a: 1e21, b: 0.1, c: -0 }, '{"a":1e+21,"b":0.1,"c":0}'],
    ["\u20ac\n", '"€\\n"'],
    [null, "null"],
  ])("of %j is %s", (value, text) => {
    expect(canonical(value)).toBe(text);
  });

  it("does not depend on the order of members, and does on that of items", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(digest(turned(value))).toBe(digest(value));
      }),
    );
    expect(digest([1, 2])).not.toBe(digest([2, 1]));
  });

  it("is JSON of an equal value", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonical(value))).toEqual(normal(value));
      }),
    );
  });

  it("is found for half a character too, which models do send", () => {
    expect(canonical({ "\udc00": ["cut \ud83e"] })).toBe('{"\ufffd":["cut \ufffd"]}');
  });
});

describe("the idempotency key of a call", () => {
  it("is the same for the same call, however its input is written", () => {
    fc.assert(
      fc.property(objects, (input) => {
        const key = idempotencyKey({ ...base, input });
        expect(idempotencyKey({ ...base, input: structuredClone(input) })).toBe(key);
        expect(idempotencyKey({ ...base, input: turned(input) })).toBe(key);
      }),
    );
  });

  it.each([
    ["run", { run_id: "run-2" }],
    ["turn", { message_seq: 8 }],
    ["position in its turn", { index: 1 }],
    ["tool", { tool_name: "write" }],
    ["input", { input: { to: "a", text: "c" } }],
    ["input's shape", { input: [] }],
  ])("is another one for another %s", (_what, other) => {
    expect(idempotencyKey({ ...base, ...other })).not.toBe(idempotencyKey(base));
  });

  it("differs when the input does", () => {
    fc.assert(
      fc.property(objects, objects, (one, other) => {
        const same = canonical(one) === canonical(other);
        const keys = [one, other].map((input) => idempotencyKey({ ...base, input }));
        expect(keys[0] === keys[1]).toBe(same);
      }),
    );
  });

  it("can travel in a header", () => {
    expect(idempotencyKey(base)).toMatch(/^kheish-[0-9a-f]{64}$/);
  });
});

describe("what becomes of a call whose outcome died with its process", () => {
  const limits = { ...DEFAULT_RUN_LIMITS, maxAttempts: 3 };

  it.each([
    // effect, can be read back, attempts made, plan
    ["read", false, 1, "run_again"],
    ["read", true, 2, "run_again"],
    ["read", false, 3, "give_up"],
    ["idempotent", false, 1, "run_again"],
    ["idempotent", true, 2, "run_again"],
    ["idempotent", false, 3, "give_up"],
    ["idempotent", false, 9, "give_up"],
    ["once", false, 1, "surface"],
    ["once", false, 3, "surface"],
    ["once", true, 1, "read_back"],
    ["once", true, 3, "read_back"],
  ] as const)("01-R90: %s, readable %s, attempt %i: %s", (effect, canReadBack, attempt, plan) => {
    expect(planRecovery(dispatched(effect, attempt), { canReadBack }, limits)).toBe(plan);
  });

  it.each([
    ["read", "run_again"],
    ["once", "surface"],
  ] as const)("01-R90: %s of a tool that is gone: %s", (effect, plan) => {
    expect(planRecovery(dispatched(effect), undefined, limits)).toBe(plan);
  });

  it("never repeats a `once` effect, whatever the limits", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), (attempt, maxAttempts, canReadBack) => {
        const plan = planRecovery(dispatched("once", attempt), { canReadBack }, { ...limits, maxAttempts });
        expect(plan).not.toBe("run_again");
      }),
    );
  });

  it("tells the model which tool, how often, and that nobody repeated it", () => {
    expect(unknownOutcome(dispatched("once", 2))).toMatchObject({
      error: "interrupted, outcome unknown",
      interrupted: true,
      outcome: "unknown",
      tool: "send",
      attempts: 2,
      detail: expect.stringContaining("not repeated"),
    });
    expect(unknownOutcome(dispatched("once"), "half of it")).toHaveProperty("detail", "half of it");
  });
});

/** JSON knows no negative zero. */
function normal(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
