import type { SkillToActivate } from "../../engine/skills/port.ts";
import type { Skill } from "./skill.ts";

/** Why a skill cannot be active in a session itself (03-R72), in words for whoever asked. */
export function whyNotInline({ name, runtime }: Skill): string | undefined {
  if (runtime.context === "fork")
    return `skill '${name}' runs as a fork, in an agent of its own, and this daemon starts none yet`;
  const own = (["agent_profile", "provider", "model", "fallback_model"] as const).filter(
    (field) => runtime[field] !== undefined,
  );
  if (own.length === 0) return undefined;
  return `skill '${name}' asks for its own ${own.join(", ")}, which only a fork can have, and this daemon starts none yet`;
}

/** What a session keeps of a skill that becomes active in it. */
export function toActivate(skill: Skill): SkillToActivate {
  const { name, description, when_to_use, version, skill_path, skill_root, digest, runtime, instructions } =
    skill;
  return {
    name,
    description,
    ...(when_to_use === undefined ? {} : { when_to_use }),
    ...(version === undefined ? {} : { version }),
    skill_path,
    skill_root,
    digest,
    context: runtime.context,
    allowed_tools: runtime.allowed_tools,
    blocked_tools: runtime.blocked_tools,
    instructions,
  };
}
