import {
  type ActiveSkill,
  type ActiveSkillSnapshot,
  type Problem,
  problem,
  SKILL_LIMITS,
} from "@kheish/contract";
import type { SessionChange } from "../session-change.ts";
import type { SkillToActivate } from "./port.ts";

/** Who wants it: an operator, or the agent in a call. */
export type SkillActor = { kind: "operator" } | { kind: "agent"; run_id: string; call_id: string };

export interface Activation {
  skill: SkillToActivate;
  args?: string;
  reason?: string;
}

/**
 * Makes a skill active in the session of a change, in the place of an earlier activation of it (03-R72). What an operator
 * made active stays as it is when the agent asks for it: it could be rid of it otherwise. Throws problems.
 */
export function beginSkill(
  change: SessionChange,
  { skill, args, reason }: Activation,
  by: SkillActor,
): ActiveSkill {
  const active = change.session.active_skills ?? [];
  const before = active.find(({ name }) => name === skill.name);
  if (before?.activated_by === "operator" && by.kind === "agent") return before;
  if (before === undefined && active.length >= SKILL_LIMITS.active)
    throw problem(
      "skills",
      "skill_limit_reached",
      `${SKILL_LIMITS.active} skills are active in this session: end one of them first`,
    );
  const { instructions, ...rest } = skill;
  const begun: ActiveSkill = {
    ...rest,
    ...(reason === undefined ? {} : { activation_reason: reason }),
    activated_by: by.kind,
    activated_at_ms: change.now,
  };
  const snapshot: ActiveSkillSnapshot = { ...begun, ...(args === undefined ? {} : { args }), instructions };
  change.emit("skill_activated", { ...placeOf(by), skill: snapshot });
  change.updateSession({ active_skills: [...active.filter(({ name }) => name !== skill.name), begun] });
  return begun;
}

/** Ends an active skill; the agent ends only what it began itself. Throws problems. */
export function endSkill(change: SessionChange, name: string, by: SkillActor): ActiveSkill {
  const active = change.session.active_skills ?? [];
  const ended = active.find((skill) => skill.name === name);
  if (ended === undefined) throw notActive(name);
  if (by.kind === "agent" && ended.activated_by !== "agent")
    throw problem("skills", "skill_not_active", `an operator made skill '${name}' active, and ends it`);
  const left = active.filter((skill) => skill !== ended);
  change.emit("skill_deactivated", { ...placeOf(by), name, digest: ended.digest });
  if (left.length === 0) change.clearSession("active_skills");
  else change.updateSession({ active_skills: left });
  return ended;
}

function notActive(name: string): Problem {
  return problem("skills", "skill_not_active", `skill '${name}' is not active in this session`);
}

function placeOf(by: SkillActor): { run_id?: string; call_id?: string } {
  return by.kind === "operator" ? {} : { run_id: by.run_id, call_id: by.call_id };
}
