import { describe, expect, test } from "vitest";
import type { CallKind } from "../load/plan.ts";
import type { CallHistory } from "./call-history.ts";
import { checkCall } from "./effects.ts";
import { Findings } from "./findings.ts";

/** A verdict that cannot be bad proves nothing. */
function verdict(
  kind: CallKind,
  history: Partial<CallHistory> | undefined,
  world: { done: number; keys?: string[] },
) {
  const findings = new Findings();
  const usual = {
    attempts: 1,
    keys: new Set(["k"]),
    outcome: "settled",
    isToldUnknown: false,
    isGivenUp: false,
  };
  checkCall(
    { label: "call", kind },
    history && { ...usual, ...history },
    { done: world.done, keys: new Set(world.keys ?? []) },
    findings,
  );
  return { lost: findings.count("lost"), repeated: findings.count("repeated") };
}

describe("what a call's journal and the world say of it", () => {
  test.each<[string, CallKind, Partial<CallHistory> | undefined, { done: number; keys?: string[] }]>([
    ["done and settled", "once", {}, { done: 1, keys: ["k"] }],
    ["read twice", "read", { attempts: 2 }, { done: 2, keys: ["k"] }],
    ["unknown, and it was done", "once", { outcome: "unknown" }, { done: 1 }],
    ["unknown, and it was not", "bash", { outcome: "unknown" }, { done: 0 }],
    ["denied", "bash", { attempts: 0, outcome: "denied" }, { done: 0 }],
    ["never asked for", "once", undefined, { done: 0 }],
  ])("%s: fine", (_what, kind, history, world) => {
    expect(verdict(kind, history, world)).toEqual({ lost: 0, repeated: 0 });
  });

  test.each<[string, CallKind, Partial<CallHistory> | undefined, { done: number }]>([
    ["done, but never dispatched", "once", undefined, { done: 1 }],
    ["denied, and done", "bash", { outcome: "denied" }, { done: 1 }],
    ["dispatched, without an outcome", "once", { outcome: undefined }, { done: 1 }],
    ["settled, but not done", "idempotent", {}, { done: 0 }],
    ["reconciled, but not done", "checked", { outcome: "reconciled" }, { done: 0 }],
  ])("%s: lost", (_what, kind, history, world) => {
    expect(verdict(kind, history, world)).toEqual({ lost: 1, repeated: 0 });
  });

  test.each<[string, CallKind, Partial<CallHistory>, { done: number; keys?: string[] }]>([
    ["a once effect done twice", "once", {}, { done: 2, keys: ["k"] }],
    ["a command run twice", "bash", { outcome: "unknown" }, { done: 2 }],
    ["asked for with two keys", "idempotent", {}, { done: 2, keys: ["k", "l"] }],
    ["dispatched with two keys", "idempotent", { keys: new Set(["k", "l"]) }, { done: 1, keys: ["k"] }],
  ])("%s: repeated", (_what, kind, history, world) => {
    expect(verdict(kind, history, world)).toEqual({ lost: 0, repeated: 1 });
  });
});
