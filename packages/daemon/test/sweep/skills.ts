import { expect } from "vitest";
import { type Skill, SkillLibrary, skillTools } from "../../src/tools/skills/index.ts";
import { checkJournal, checkOnce } from "./checks.ts";
import { answerAll, createSession, journalOf, type Scenario, SESSION, submitting } from "./scenario.ts";

const SKILL: Skill = {
  name: "careful",
  description: "Acts only when it is over",
  skill_path: "/skills/careful",
  skill_root: "/skills",
  scope: "explicit",
  digest: "0".repeat(64),
  runtime: { allowed_tools: [], blocked_tools: ["effect_once"], context: "inline" },
  instructions: "Look first.",
  files: [],
  read: () => Promise.reject(new Error("it has no files")),
};
const LIBRARY = new SkillLibrary();
LIBRARY.load([SKILL]);

const skill = { name: SKILL.name };
const once = (n: number) => ({ name: "effect_once", input: { n } });
const SCRIPT = {
  simulate: [
    { tool_calls: [{ name: "use_skill", input: { ...skill, args: "all of it" } }, once(1)] },
    { tool_calls: [once(2), { name: "effect_read", input: { n: 1 } }] },
    { tool_calls: [{ name: "end_skill", input: skill }] },
    { tool_calls: [once(3)] },
    { tool_calls: [{ name: "use_skill", input: skill }] },
    { text: "done" },
  ],
};

/** A skill that the agent makes active, that takes a tool from it, and that it ends and makes active again. */
export const usedSkill: Scenario = {
  name: "a skill that an agent uses, ends and uses again",
  tools: (outside, incarnation) => [...outside.tools(incarnation), ...skillTools(LIBRARY)],
  steps: [createSession, submitting(JSON.stringify(SCRIPT), "first"), answerAll],
  async check(daemon, outside) {
    const runs = await daemon.runs();
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    const events = await journalOf(daemon.store);
    checkJournal(events, runs);
    const changes = events.map(({ type }) => type).filter((type) => type.startsWith("skill_"));
    expect(changes, "each change happened once").toEqual([
      "skill_activated",
      "skill_deactivated",
      "skill_activated",
    ]);
    for (const n of [1, 2]) expect(outside.count("effect_once", { n }), "it is taken away").toBe(0);
    checkOnce(events, outside, "effect_once", { n: 3 });
    const { json } = await daemon.call("getSession", { params: { session_id: SESSION } });
    expect(json.active_skills).toMatchObject([{ ...skill, activated_by: "agent" }]);
  },
};
