import type { HookEvent, HookInput, JsonObject } from "@kheish/contract";
import { expect } from "vitest";
import { HOOK_QUEUE } from "../../src/features/hooks/index.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { until } from "../support/wait.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, SESSION, submitting } from "./scenario.ts";

const STEERING: readonly HookEvent[] = [
  "session_start",
  "user_prompt_submit",
  "pre_tool_use",
  "post_tool_use",
  "permission_request",
  "stop",
];
const SCRIPT = {
  simulate: [
    { tool_calls: [{ name: "effect_once", input: { n: 1 } }] },
    { tool_calls: [{ name: "effect_once", input: { n: 2 } }] },
    { tool_calls: [{ name: "bash", input: { n: 3 } }] },
    { tool_calls: [{ name: "ask_user_question", input: {} }] },
    { text: "done" },
    { text: "done again" },
  ],
};

/** What the hooks say, of nothing but what they are told. */
function answer(input: HookInput): JsonObject {
  const payload = input.payload as { input?: { n: number }; stop_hook_active?: boolean };
  if (input.event === "pre_tool_use" && payload.input?.n === 2) throw new Error("down");
  if (input.event === "permission_request") return { permission: "allow", updated_input: { n: 4 } };
  if (input.event === "post_tool_use") return { additional_contexts: ["noted"] };
  if (input.event === "stop" && payload.stop_hook_active === false)
    return { decision: "block", stop_reason: "more" };
  return {};
}

function setHooks(daemon: RiggedDaemon) {
  const hook = { name: "sweep", executor: { type: "callback", name: "sweep" } };
  const hooks = Object.fromEntries([...STEERING, "notification"].map((event) => [event, [hook]]));
  return daemon.call("setHooks", { body: { settings: { hooks } } });
}

/** A run that hooks begin, block, decide for, add to and send back to work. */
export const hookedRun: Scenario = {
  name: "a run under hooks",
  tools: (outside, incarnation) => outside.tools(incarnation),
  callbacks: (outside) => ({
    sweep: async (input) => {
      outside.hookCalls.push(input);
      return answer(input);
    },
  }),
  steps: [setHooks, createSession, submitting(JSON.stringify(SCRIPT), "first"), answerAll],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    checkOnce(events, outside, "effect_once", { n: 1 });
    expect(outside.count("effect_once", { n: 2 }), "a guard that is down blocks").toBe(0);
    expect(outside.count("bash", { n: 3 }), "what a hook replaced never runs").toBe(0);
    expect(outside.count("bash", { n: 4 })).toBeLessThanOrEqual(1);

    const told = () => outside.hookCalls.some(({ event }) => event === "notification");
    await until("the announced hook to be called", told);
    const isSettled = async () => (await daemon.store.nextDueAt(HOOK_QUEUE)) === undefined;
    await until("its call to be settled", isSettled);

    const said = events.filter((event) => event.type === "hooks_called").map(({ data }) => data);
    const keys = said.map(({ invocation_key }) => invocation_key);
    expect(new Set(keys).size, "what hooks said counts once").toBe(keys.length);
    const asked = new Map(outside.hookCalls.map((input) => [input.invocation_key, input]));
    for (const { invocation_key } of said) expect(asked.has(invocation_key)).toBe(true);
    for (const input of outside.hookCalls) {
      expect(input, "a call is the same whenever it is made").toEqual(asked.get(input.invocation_key));
    }
    const stops = said
      .filter(({ event }) => event === "stop")
      .map(({ outcome }) => outcome.decision ?? "none");
    expect(stops).toEqual(["block", "none"]);

    const failed = said.filter(({ outcome }) => outcome.stop_reason?.includes("failed after") === true);
    expect(failed).toHaveLength(1);
    const letters = (await daemon.call("listHookDeadLetters")).json as unknown as { session_id: string }[];
    expect(letters, "a dead letter for each failure that counted").toHaveLength(1);
    expect(letters[0]?.session_id).toBe(SESSION);
  },
};
