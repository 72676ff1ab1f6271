export { skillBindings } from "./http.ts";
export { type LoadedSkills, loadSkills, NO_SKILLS, type SkillSettings } from "./loader.ts";
export { SkillService } from "./service.ts";
export { SessionSkills } from "./session-skills.ts";
