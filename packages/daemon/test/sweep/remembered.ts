import { expect } from "vitest";
import { planTools } from "../../src/tools/planning/plan-tools.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { createSession, journalOf, type Scenario, SESSION, submitting } from "./scenario.ts";

const call = (name: string, input: object) => ({ tool_calls: [{ name, input }] });
const SCRIPT = {
  simulate: [
    call("effect_once", { n: 1 }),
    call("effect_once", { n: 2 }),
    call("bash", { n: 3 }),
    call("bash", { n: 3 }),
    call("enter_plan_mode", {}),
    call("effect_once", { n: 4 }),
    call("exit_plan_mode", { plan: "go on" }),
    call("effect_once", { n: 5 }),
    { text: "done" },
  ],
};

function ruleOfSession(daemon: RiggedDaemon) {
  const params = { session_id: SESSION, rule_id: "ask" };
  const body = { scope: "session", tool_name_pattern: "effect_once", behavior: "ask" };
  return daemon.call("setSessionRule", { params, body });
}

function ruleOfDaemon(daemon: RiggedDaemon) {
  const body = { scope: "user", tool_name_pattern: "effect_read", behavior: "deny" };
  return daemon.call("setPermissionRule", { params: { rule_id: "no-reads" }, body });
}

/** Allows what is asked and has it remembered: one input for this run, whatever a tool is given for the session. */
async function answerForGood(daemon: RiggedDaemon): Promise<void> {
  for (let round = 0; round < 10; round++) {
    await daemon.settle();
    const [run] = (await daemon.runs()).filter(({ status }) => status === "waiting_for_approval");
    const [asked] = run?.pending_approvals ?? [];
    if (run === undefined || asked === undefined) return;
    const remember =
      asked.tool_name === "effect_once"
        ? { scope: "session", match: "pattern", pattern: { tool_name_pattern: "effect_once" } }
        : { scope: "run", match: "exact" };
    const body = { resolutions: [{ request_id: asked.id, behavior: "allow", remember }] };
    await daemon.call("resolveRunApprovals", { params: { run_id: run.run_id }, body });
  }
}

/** A run under rules, whose approvals are remembered, and that plans in between. */
export const rememberedAnswers: Scenario = {
  name: "rules, remembered answers and a plan",
  tools: (outside, incarnation) => [...outside.tools(incarnation), ...planTools()],
  steps: [
    createSession,
    ruleOfSession,
    ruleOfDaemon,
    submitting(JSON.stringify(SCRIPT), "first"),
    answerForGood,
  ],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    for (const n of [1, 2, 5]) checkOnce(events, outside, "effect_once", { n });
    expect(outside.count("effect_once", { n: 4 }), "nothing is done while planning").toBe(0);
    expect(outside.count("bash", { n: 3 })).toBeLessThanOrEqual(2);

    const asked = events.flatMap((event) =>
      event.type === "waiting_for_approval" ? event.data.requests : [],
    );
    expect(asked.map(({ tool_name }) => tool_name)).toEqual(["effect_once", "bash", "exit_plan_mode"]);
    const rules = (await daemon.call("listSessionRules", { params: { session_id: SESSION } })).json.rules;
    expect(rules, "what was remembered for the run has ended with it").toMatchObject([
      { rule_id: "ask" },
      { origin: "remembered", tool_name_pattern: "effect_once" },
    ]);
    expect(events.filter(({ type }) => type === "plan_mode_left")).toHaveLength(1);
    const { json } = await daemon.call("listPermissionRules");
    expect(json).toMatchObject({ rules: [{ rule_id: "no-reads" }] });
  },
};
