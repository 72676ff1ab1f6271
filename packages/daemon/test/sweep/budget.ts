import type { BudgetView } from "@kheish/contract";
import { expect } from "vitest";
import type { RiggedDaemon } from "../support/rig.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, SESSION, submitting } from "./scenario.ts";

const SCRIPT = {
  simulate: [
    { tool_calls: [{ name: "effect_once", input: { n: 1 } }] },
    { tool_calls: [{ name: "effect_once", input: { n: 2 } }] },
    { text: "done" },
  ],
};
const LIMIT = 2;
const params = { budget_id: "sweep" };

function setBudget(daemon: RiggedDaemon) {
  const body = {
    scope: { kind: "session", id: SESSION },
    window: { kind: "total" },
    limits: { model_calls: LIMIT },
    on_limit: "ask",
  };
  return daemon.call("setBudget", { params, body });
}

/** Three calls under a budget of two, which somebody extends. */
export const extendedBudget: Scenario = {
  name: "a run that has its budget extended",
  tools: (outside, incarnation) => outside.tools(incarnation),
  steps: [createSession, setBudget, submitting(JSON.stringify(SCRIPT), "first"), answerAll],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    checkOnce(events, outside, "effect_once", { n: 1 });
    checkOnce(events, outside, "effect_once", { n: 2 });

    const budget = (await daemon.call("getBudget", { params })).json as unknown as BudgetView;
    const reserved = events.filter(({ type }) => type === "budget_reserved").length;
    const settled = events.filter(({ type }) => type === "budget_settled").length;
    const allowed = events.filter(
      (event) =>
        event.type === "approval_resolved" &&
        event.data.decided_by === "test" &&
        event.data.resolutions.some(({ request_id }) => request_id.startsWith("approval-extend_budget")),
    ).length;
    expect(reserved, "a call for each turn, and one for the call that was cut off").toBeLessThanOrEqual(4);
    expect(settled, "every reservation is settled, once").toBe(reserved);
    expect(budget.used?.model_calls, "what is counted is what was reserved").toBe(reserved);
    expect(budget.reserved?.model_calls).toBe(0);
    expect(budget.extended?.model_calls, "one extension for each yes").toBe(allowed * LIMIT);
    expect(reserved).toBeLessThanOrEqual(LIMIT + allowed * LIMIT);
  },
};
