import type { SessionGoal } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import type { ModelError } from "../ports.ts";
import {
  bindingOf,
  charged,
  isSpent,
  mayComplete,
  newGoal,
  remainingTokens,
  revised,
  wants,
  worksFor,
} from "./goal.ts";
import { mayPass } from "./passing.ts";

const NOW = 1_000;
const GOAL = newGoal({ goal_id: "goal-1-1", session_id: "s", objective: "ship", status: "active" }, NOW);
const goal = (more: Partial<SessionGoal>): SessionGoal => ({ ...GOAL, ...more });
const run = (daemon: object, run_id = "run-1") => ({ run_id, input_metadata: { daemon: { ...daemon } } });

describe("a goal", () => {
  it.each<[string, Partial<SessionGoal>, number]>([
    ["objective", { objective: "sail" }, 2],
    ["status", { status: "paused" }, 2],
    ["budget", { token_budget: 5 }, 2],
    ["accounting", { tokens_used: 7 }, 1],
    ["last continuation", { last_continuation_run_id: "run-2" }, 1],
  ])(
    "01-R67 01-R71: a change of its %s is a new version, and a new definition when it defines",
    (_what, changes, definition) => {
      expect(revised(GOAL, goal(changes), NOW + 1)).toMatchObject({
        ...changes,
        version: 2,
        definition_version: definition,
        updated_at_ms: NOW + 1,
      });
    },
  );

  it("01-R69: is charged the sum over model calls, and the time once", () => {
    const after = charged(
      charged(charged(GOAL, "run-1", { tokens: 10 }, 2), "run-1", { tokens: 5 }, 3),
      "run-1",
      { time_ms: 40 },
      4,
    );
    expect(after).toMatchObject({ tokens_used: 15, time_used_ms: 40, version: 4, definition_version: 1 });
    expect(after.accounted_usage).toEqual({
      "run:run-1:tokens": { tokens: 15, time_ms: 0 },
      "run:run-1:time": { tokens: 0, time_ms: 40 },
    });
  });

  it("lists the charges of its newest runs only, and sums all", () => {
    let after = GOAL;
    for (let n = 1; n <= 40; n++) {
      after = charged(charged(after, `run-${n}`, { tokens: 2 }, NOW), `run-${n}`, { time_ms: 1 }, NOW);
    }
    expect(after).toMatchObject({ tokens_used: 80, time_used_ms: 40 });
    const runs = Object.keys(after.accounted_usage ?? {});
    expect(runs).toHaveLength(64);
    expect(runs[0]).toBe("run:run-9:tokens");
  });

  it.each<[number | undefined, number, boolean, number | undefined]>([
    [undefined, 1_000_000, false, undefined],
    [10, 9, false, 1],
    [10, 10, true, 0],
    [10, 11, true, 0],
  ])(
    "01-R69: of a budget of %s, with %s used, spent is %s and %s remain",
    (token_budget, tokens_used, spent, left) => {
      const one = goal({ tokens_used, ...(token_budget === undefined ? {} : { token_budget }) });
      expect([isSpent(one), remainingTokens(one)]).toEqual([spent, left]);
    },
  );

  it.each<[Partial<SessionGoal>, string | undefined]>([
    [{ status: "active" }, "work"],
    [{ status: "paused" }, undefined],
    [{ status: "complete" }, undefined],
    [{ status: "budget_limited" }, "wrap_up"],
    [{ status: "budget_limited", budget_wrapup_run_id: "run-9" }, undefined],
  ])("01-R68 01-R69: %o wants %s", (members, kind) => {
    expect(wants(goal(members))).toBe(kind);
  });

  it.each<[string, Parameters<typeof worksFor>[0], SessionGoal, boolean, boolean]>([
    ["created under it", run(bindingOf(GOAL)), GOAL, true, true],
    [
      "created under an earlier definition",
      run(bindingOf(GOAL)),
      goal({ definition_version: 2 }),
      true,
      false,
    ],
    ["created under another goal", run({ goal_id: "goal-0-0", goal_version: 1 }), GOAL, false, false],
    [
      "that created it",
      { run_id: "run-1" },
      goal({ created_by_run_id: "run-1", definition_version: 3 }),
      true,
      true,
    ],
    ["created before it", { run_id: "run-1" }, GOAL, false, false],
    ["with metadata of its own", { run_id: "run-1", input_metadata: ["goal-1-1"] }, GOAL, false, false],
  ])("01-R71: a run %s", (_what, one, its, works, completes) => {
    expect([worksFor(one, its), mayComplete(one, its)]).toEqual([works, completes]);
  });
});

describe("a model call that failed", () => {
  it.each<[Partial<ModelError>, boolean]>([
    [{ class: "rate_limited", status: 429, retryable: true }, true],
    [{ class: "transport", status: 408, retryable: true }, true],
    [{ class: "server_overloaded", status: 409, retryable: true }, true],
    [{ class: "server_overloaded", status: 503, retryable: true }, true],
    [{ class: "transport", retryable: true }, true],
    [{ class: "rate_limited", status: 402, retryable: true }, false],
    [{ class: "rate_limited", status: 429, retryable: false }, false],
    [{ class: "auth", status: 401, retryable: false }, false],
    [{ class: "invalid_request", status: 400, retryable: true }, false],
    [{ class: "context_window_exceeded", retryable: true }, false],
    [{ class: "unknown", retryable: false }, false],
  ])("01-R70: %o may pass: %s", (error, passes) => {
    expect(mayPass({ class: "unknown", message: "", retryable: false, ...error })).toBe(passes);
  });
});
