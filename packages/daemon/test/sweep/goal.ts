import type { SessionGoal } from "@kheish/contract";
import { expect } from "vitest";
import type { RecordedEvent } from "../../src/engine/index.ts";
import { goalTools } from "../../src/tools/goals/goal-tools.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, SESSION, submitting } from "./scenario.ts";

/** The turns of all three runs: the simulator goes on where the last one ended. */
const SCRIPT = {
  simulate: [
    {
      tool_calls: [{ name: "create_goal", input: { objective: "count to three", token_budget: 1_000_000 } }],
    },
    { text: '{"n":1}' },
    { tool_calls: [{ name: "effect_once", input: { n: 2 } }] },
    { text: "that makes two" },
    { text: '{"n":2}' },
    { tool_calls: [{ name: "update_goal", input: { status: "complete" } }] },
    { text: '{"n":3}' },
  ],
};
const SCHEMA = {
  type: "object",
  properties: { n: { type: "integer" } },
  required: ["n"],
  additionalProperties: false,
};

function demandJson(daemon: RiggedDaemon) {
  const params = { session_id: SESSION };
  return daemon.call("putOutputContract", { params, body: { schema: SCHEMA } });
}

/** A goal that a run sets and two continuations reach, under an output contract that one answer breaks. */
export const goalUnderContract: Scenario = {
  name: "a goal with two continuations and a repaired answer",
  tools: (outside, incarnation) => [...outside.tools(incarnation), ...goalTools()],
  steps: [createSession, demandJson, submitting(JSON.stringify(SCRIPT), "first"), answerAll],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      "input completed",
      "goal_continuation completed",
      "goal_continuation completed",
    ]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    checkOnce(events, outside, "effect_once", { n: 2 });
    expect(runs.map((run) => run.outputs?.map(({ content }) => content))).toEqual([
      ['{"n":1}'],
      ['{"n":2}'],
      ['{"n":3}'],
    ]);
    const repairs = events.filter(
      (event) => event.type === "message_appended" && event.data.nudge === "contract",
    );
    expect(repairs.length, "one answer is repaired, once").toBe(1);

    const view = await daemon.call("getGoal", { params: { session_id: SESSION } });
    const { goal } = view.json as { goal?: SessionGoal };
    expect(goal).toMatchObject({
      status: "complete",
      created_by_run_id: runs[0]?.run_id,
      last_continuation_run_id: runs[2]?.run_id,
      completed_by_run_id: runs[2]?.run_id,
    });
    expect(events.filter(({ type }) => type === "goal_set").length, "one goal is created").toBe(1);
    expect(goal?.tokens_used, "every answer is charged exactly once").toBe(tokensSinceGoal(events));
  },
};

function tokensSinceGoal(events: readonly RecordedEvent[]): number {
  const since = events.find(({ type }) => type === "goal_set")?.seq ?? 0;
  return events.reduce((sum, event) => {
    if (event.seq < since || event.type !== "message_appended" || event.data.message.role !== "assistant") {
      return sum;
    }
    const { usage } = event.data.message;
    return sum + (usage?.input_tokens ?? 0) - (usage?.cached_input_tokens ?? 0) + (usage?.output_tokens ?? 0);
  }, 0);
}
