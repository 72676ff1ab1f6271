import { expect } from "vitest";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, submitting } from "./scenario.ts";

const SCRIPT = {
  simulate: [
    {
      text: "Looking.",
      tool_calls: [
        { name: "effect_read", input: { n: 1 } },
        { name: "effect_read", input: { n: 2 } },
      ],
    },
    { tool_calls: [{ name: "effect_once", input: { n: 3 } }] },
    { tool_calls: [{ name: "effect_idempotent", input: { n: 4 } }] },
    { tool_calls: [{ name: "ask_user_question", input: {} }] },
    {
      tool_calls: [
        { name: "bash", input: { n: 5 } },
        { name: "bash", input: { n: 6 } },
      ],
    },
    { text: "done: {{last_tool_output}}" },
  ],
};

/** A run with effects of every class, a question and approvals, and one that waits behind it. */
export const workingRun: Scenario = {
  name: "a run with effects, a question and approvals",
  tools: (outside, incarnation) => outside.tools(incarnation),
  steps: [
    createSession,
    submitting(JSON.stringify(SCRIPT), "first"),
    submitting("and then this", "second"),
    answerAll,
  ],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map((run) => run.status)).toEqual(["completed", "completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    checkOnce(events, outside, "effect_once", { n: 3 });
    checkOnce(events, outside, "bash", { n: 5 });
    checkOnce(events, outside, "bash", { n: 6 });

    const attempts = outside.done.filter((one) => one.tool === "effect_idempotent");
    const keys = new Set(attempts.map((one) => one.key));
    expect(keys.size, "every attempt of an idempotent effect carries one key").toBe(1);
    const resolved = events
      .filter((event) => event.type === "approval_resolved")
      .flatMap((event) => event.data.resolutions);
    expect(new Set(resolved.map((one) => one.request_id)).size, "each approval decided once").toBe(
      resolved.length,
    );
    expect(resolved.length).toBe(2);
  },
};
