import { expect } from "vitest";
import type { Tool } from "../../src/engine/index.ts";
import type { OutsideWorld } from "../support/effects.ts";
import { testTool } from "../support/tools.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, submitting } from "./scenario.ts";

const SCRIPT = {
  simulate: [
    {
      tool_calls: [
        { name: "order", input: { n: 1 } },
        { name: "order", input: { n: 2 } },
      ],
    },
    { text: "done" },
  ],
};

/** Asks twice, each time kept with the question, and acts once it has both answers. */
function order(outside: OutsideWorld, incarnation: number): Tool {
  const options = ["Yes", "No"].map((label, index) => ({ id: `option-${index + 1}`, label }));
  return testTool("order", {
    effect: "once",
    allowsParallel: true,
    async execute(input, { resumed, idempotency_key: key }) {
      if (outside.dead.has(incarnation)) return new Promise(() => undefined);
      const asked = typeof resumed?.state === "number" ? resumed.state : 0;
      if (asked < 2) {
        const question = {
          id: "question-1",
          header: "Order",
          question: `${asked}?`,
          options,
          multi_select: false,
        };
        return { kind: "ask", questions: [question], resume: asked + 1 };
      }
      outside.done.push({ tool: "order", key, input, incarnation });
      return { kind: "result", output: "ordered", is_error: false };
    },
  });
}

/** Two calls of one turn that ask, and go on with what they are told. */
export const askingCalls: Scenario = {
  name: "calls that ask and go on with the answer",
  tools: (outside, incarnation) => [order(outside, incarnation)],
  steps: [createSession, submitting(JSON.stringify(SCRIPT), "first"), answerAll],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    for (const n of [1, 2]) checkOnce(events, outside, "order", { n });
  },
};
