import { expect } from "vitest";
import { CHAINED_ROUTES, chainedModels } from "../support/chained-models.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { createSession, journalOf, type Scenario, submitting } from "./scenario.ts";

const SCRIPT = {
  simulate: [
    { tool_calls: [{ name: "effect_once", input: { n: 1 } }] },
    { tool_calls: [{ name: "effect_read", input: { n: 2 } }] },
    { text: "done" },
  ],
};
const DOWN = { "a.test": 503, "b.test": 429 };

/** A run that falls back twice before its first answer, and then has effects. */
export const fallingRun: Scenario = {
  name: "a run that falls back",
  models: (rig) => chainedModels(rig, DOWN, CHAINED_ROUTES.replace("c/echo", "c")).models,
  tools: (outside, incarnation) => outside.tools(incarnation),
  steps: [createSession, submitting(JSON.stringify(SCRIPT), "first"), (daemon) => daemon.settle()],
  async check(daemon, outside) {
    const [run, ...others] = await daemon.runs();
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      status: "completed",
      fallbacks: [
        { from: { route_id: "a" }, to: { route_id: "b" }, error_class: "server_overloaded" },
        { from: { route_id: "b" }, to: { route_id: "c" }, error_class: "rate_limited" },
      ],
    });
    const events = await journalOf(daemon.store);
    if (run !== undefined) checkJournal(events, [run]);
    checkOnce(events, outside, "effect_once", { n: 1 });
    const steps = events.flatMap((event) =>
      event.type === "model_call_failed" ? [event.data.fallback?.target.route_id] : [],
    );
    expect(steps, "each step is taken once, and none is taken back").toEqual(["b", "c"]);
    const answeredBy = events.flatMap((event) =>
      event.type === "message_appended" && event.data.message.role === "assistant"
        ? [event.data.message.route_id]
        : [],
    );
    expect(answeredBy).toEqual(["c", "c", "c"]);
  },
};
