import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { added } from "../../kernel/sums.ts";
import { amounts, ceilings, extending, reserving, settling, usedOf } from "./amounts.ts";
import { LEAST_OUTPUT_TOKENS, type Need, type Weighed, weigh } from "./weigh.ts";

const NEED: Need = {
  input_tokens: 500,
  output_tokens: 4_000,
  least_output_tokens: LEAST_OUTPUT_TOKENS,
  costOf: (output) => 1_000 + output * 3,
  wall_time_ms: 200,
};
const HELD = amounts({ input_tokens: 500, output_tokens: 4_000, cost_microusd: 13_000, model_calls: 1 });

function account(limits: Weighed["limits"], sums?: Weighed["sums"]): Weighed {
  return { limits, sums };
}

describe("weighing a call", () => {
  it.each([
    ["nothing limited", {}, { kind: "fits", output_tokens: 4_000 }],
    ["exactly enough", { total_tokens: 4_500, model_calls: 1 }, { kind: "fits", output_tokens: 4_000 }],
    ["enough for a shorter answer", { total_tokens: 2_500 }, { kind: "fits", output_tokens: 2_000 }],
    ["money for a shorter answer", { cost_microusd: 7_000 }, { kind: "fits", output_tokens: 2_000 }],
    [
      "too little for one that is worth it",
      { output_tokens: 1_023 },
      { kind: "spent", measure: "output_tokens" },
    ],
    [
      "a prompt that is too long",
      { input_tokens: 499 },
      { kind: "spent", measure: "input_tokens", least: 500 },
    ],
    ["no call left", { model_calls: 0 }, { kind: "spent", measure: "model_calls", least: 1 }],
    ["no time left", { wall_time_ms: 200 }, { kind: "spent", measure: "wall_time_ms", least: 201 }],
    ["a moment left", { wall_time_ms: 201 }, { kind: "fits" }],
  ])("02-A6: with %s", (_what, limits, verdict) => {
    expect(weigh([account(limits)], NEED)).toMatchObject(verdict);
  });

  it("02-A6: what others hold is waited for, what they used is not", () => {
    const limits = { total_tokens: 5_000 };
    const held = added({}, reserving(HELD, amounts({})));
    expect(weigh([account(limits, held)], NEED)).toMatchObject({ kind: "busy" });
    const used = added(held, settling(HELD, HELD));
    expect(weigh([account(limits, used)], NEED)).toMatchObject({ kind: "spent" });
    const back = added(held, settling(HELD, amounts({ input_tokens: 10, model_calls: 1 })));
    expect(weigh([account(limits, back)], NEED)).toMatchObject({ kind: "fits" });
  });

  it("02-A6: a call that others make comes back from nobody", () => {
    const held = added({}, reserving(HELD, amounts({})));
    expect(weigh([account({ model_calls: 1 }, held)], NEED)).toMatchObject({ kind: "spent" });
  });

  it("02-A6: all of the budgets must have room, and the tightest caps the answer", () => {
    const wide = account({ total_tokens: 9_000 });
    const tight = account({ output_tokens: 1_500 });
    expect(weigh([wide, tight], NEED)).toEqual({ kind: "fits", output_tokens: 1_500 });
    expect(weigh([wide, account({ model_calls: 0 })], NEED)).toMatchObject({ kind: "spent" });
  });

  it("02-A6: where cost is limited a price must be known", () => {
    const need = { ...NEED, costOf: () => undefined };
    expect(weigh([account({ cost_microusd: 1_000_000 })], need)).toMatchObject({ kind: "unpriced" });
    expect(weigh([account({ total_tokens: 9_000 })], need)).toMatchObject({ kind: "fits" });
  });

  it("02-A6: what fits is what the store lets through, and what was used is what was settled, whatever came between", () => {
    const step = fc.record({
      use: fc.nat(4_000),
      settles: fc.boolean(),
      extends: fc.nat(9).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40_000), (steps, total_tokens) => {
        const limits = { total_tokens };
        let sums: Weighed["sums"] = {};
        let used = 0;
        let extended = 0;
        const held: ReturnType<typeof amounts>[] = [];
        for (const { use, settles, extends: extends_ } of steps) {
          if (extends_) {
            sums = added(sums, extending({ total_tokens: 1_000 }));
            extended += 1_000;
          }
          const verdict = weigh([account(limits, sums)], NEED);
          const reserved = amounts({
            input_tokens: NEED.input_tokens,
            output_tokens: verdict.kind === "fits" ? verdict.output_tokens : LEAST_OUTPUT_TOKENS,
          });
          const after = added(sums, reserving(reserved, amounts({})), ceilings(limits));
          expect(after !== undefined).toBe(verdict.kind === "fits");
          if (after !== undefined) {
            sums = after;
            held.push(reserved);
          }
          const settled = settles ? held.shift() : undefined;
          if (settled === undefined) continue;
          const actual = amounts({ output_tokens: Math.min(use, settled.total_tokens) });
          sums = added(sums, settling(settled, actual));
          used += actual.total_tokens;
        }
        expect(usedOf(sums, "total_tokens")).toBe(used);
        expect(used).toBeLessThanOrEqual(total_tokens + extended);
      }),
    );
  });
});
