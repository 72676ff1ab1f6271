export { toActivate, whyNotInline } from "./activation.ts";
export { skillDigest } from "./digest.ts";
export { SkillLibrary } from "./library.ts";
export { lockOf, readLock, SkillLockError, signLock } from "./lock.ts";
export { type Parsed, type ParsedSkill, parseSkill, RUNTIME_FILE, SKILL_FILE } from "./parse.ts";
export { type RootSettings, skillRoots } from "./roots.ts";
export { type Skill, SkillChanged, summaryOf, viewOf } from "./skill.ts";
export { skillTools } from "./skill-tools.ts";
export { type Root, skillsIn } from "./walk.ts";
