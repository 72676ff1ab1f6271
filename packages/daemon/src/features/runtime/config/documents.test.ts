import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changesBetween } from "./diff.ts";
import { merged } from "./input.ts";
import { DEFAULTS, type Snapshot } from "./revision.ts";
import { rollbackTarget, rolledBack } from "./rollback.ts";

const hook = (command: string) => ({
  name: "x",
  failure_policy: { mode: "open" as const, max_retries: 0 },
  executor: { type: "command" as const, command },
});

const snapshots: fc.Arbitrary<Snapshot> = fc.record(
  {
    permission_mode: fc.constantFrom("default", "plan", "dontAsk"),
    debug_level: fc.constantFrom("off", "full"),
    system_prompt: fc.record(
      { language: fc.constantFrom("French", "Latin"), append_prompt: fc.constantFrom("a", "b/~c") },
      { requiredKeys: [], noNullPrototype: true },
    ),
    hooks: fc.constantFrom(
      { hooks: {} },
      { hooks: { stop: [hook("secret one")] } },
      { hooks: { stop: [hook("secret two"), hook("secret one")] } },
    ),
    default_route: fc.constantFrom(undefined, { route_id: "r", provider: "p", model: "m" }),
    learning_policy: fc.constant(DEFAULTS.learning_policy),
    run_memory_policy: fc.constant(DEFAULTS.run_memory_policy),
    tool_runtime_limits: fc
      .integer({ min: 1, max: 3 })
      .map((max_parallel_tools) => ({ ...DEFAULTS.tool_runtime_limits, max_parallel_tools })),
  },
  { noNullPrototype: true },
);

describe("02-A9 what differs between two revisions", () => {
  it("is nothing exactly when they are the same, and never shows what is redacted", () => {
    fc.assert(
      fc.property(snapshots, snapshots, (before, after) => {
        const changes = changesBetween(before, after);
        expect(changes.length === 0).toBe(isDeepStrictEqual(before, after));
        expect(JSON.stringify(changes)).not.toContain("secret");
        const back = changesBetween(after, before);
        expect(back.map(({ path }) => path).sort()).toEqual(changes.map(({ path }) => path).sort());
      }),
    );
  });

  it("is gone for a setting that was taken back, and as it was for the others", () => {
    fc.assert(
      fc.property(snapshots, snapshots, (now, then) => {
        const next = rolledBack(now, then, "system_prompt");
        const left = changesBetween(next, then).map(({ setting }) => setting);
        expect(left).not.toContain("system_prompt");
        expect(changesBetween(now, next).every(({ setting }) => setting === "system_prompt")).toBe(true);
        expect(changesBetween(rolledBack(now, then, undefined), then)).toEqual([]);
      }),
    );
  });
});

describe("02-R7 the revision to go back to", () => {
  const at = (revision: number, mode: Snapshot["permission_mode"]) =>
    ({ ...DEFAULTS, revision, permission_mode: mode }) as Parameters<typeof rollbackTarget>[1][number];
  const history = [at(3, "plan"), at(4, "dontAsk"), at(5, "plan"), at(6, "plan")];
  const now = { ...DEFAULTS, permission_mode: "plan" as const };

  it.each([
    [{}, 6],
    [{ revision: 3 }, 3],
    [{ setting: "permission_mode" as const }, 4],
    [{ setting: "permission_mode" as const, revision: 5 }, 5],
  ])("for %j is %i", (wanted, revision) => {
    expect(rollbackTarget(now, history, wanted).revision).toBe(revision);
  });

  it.each([{ revision: 2 }, { revision: 7 }, { setting: "hooks" as const }])("for %j is none", (wanted) => {
    expect(() => rollbackTarget(now, history, wanted)).toThrow(/3 to 6/);
  });
});

describe("a merge patch (RFC 7396, appendix A)", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("makes of %j with %j %j", (target, patch, result) => {
    const before = structuredClone(target);
    expect(merged(target, patch)).toEqual(result);
    expect(target).toEqual(before);
  });
});
