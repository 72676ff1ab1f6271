import type { ActiveSkill } from "@kheish/contract";
import type { SessionRecord } from "../records.ts";
import { isCapable } from "../scopes/narrow.ts";

/** What every skill leaves an agent: they touch nothing but skills, and one of them is the way out. */
const SKILL_TOOLS = new Set(["list_skills", "use_skill", "end_skill", "read_skill_file"]);

/**
 * The active skill that takes a tool away, if one does: each narrows the surface, so that of several all have to leave it
 * (03, weaknesses). A capability scope that hides a skill gives no tool back.
 */
export function skillAgainst(
  { active_skills: active = [] }: Pick<SessionRecord, "active_skills">,
  toolName: string,
): string | undefined {
  if (SKILL_TOOLS.has(toolName)) return undefined;
  return active.find((skill) => !leaves(skill, toolName))?.name;
}

/** Those that the session's capability scope lets be seen (03-R75). */
export function shownSkills({
  active_skills: active = [],
  capability_scope: scope,
}: Pick<SessionRecord, "active_skills" | "capability_scope">): ActiveSkill[] {
  return active.filter(({ name }) => scope === undefined || isCapable(scope, "skill", name));
}

function leaves({ allowed_tools, blocked_tools }: ActiveSkill, toolName: string): boolean {
  if (blocked_tools.some((pattern) => covers(pattern, toolName))) return false;
  return allowed_tools.length === 0 || allowed_tools.some((pattern) => covers(pattern, toolName));
}

/** An exact name, or all that begin as the pattern does. */
function covers(pattern: string, toolName: string): boolean {
  return pattern.endsWith("*") ? toolName.startsWith(pattern.slice(0, -1)) : toolName === pattern;
}
