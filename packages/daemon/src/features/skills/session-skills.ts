import {
  type ActivateSkillRequest,
  type ActiveSkill,
  problem,
  type SessionSkillSummary,
} from "@kheish/contract";
import {
  activateSkill,
  type Changer,
  type CommandDeps,
  deactivateSkill,
  requireSession,
  shownSkills,
  unknownSkill,
} from "../../engine/index.ts";
import { type SkillLibrary, summaryOf, toActivate, whyNotInline } from "../../tools/skills/index.ts";

const MAX_LIMIT = 50;

/** The skills of one session: what its capability scope shows it, and what is active there (03-R72, 03-R75). */
export class SessionSkills {
  readonly #deps: CommandDeps;
  readonly #library: SkillLibrary;

  constructor(deps: CommandDeps, library: SkillLibrary) {
    this.#deps = deps;
    this.#library = library;
  }

  async list(
    sessionId: string,
    { query, limit }: { query?: string | undefined; limit?: string | undefined },
  ): Promise<SessionSkillSummary[]> {
    const most = limitOf(limit);
    const { data } = await requireSession(this.#deps.store, sessionId);
    const active = new Set(shownSkills(data).map(({ name }) => name));
    return this.#library
      .search(query, data.capability_scope)
      .slice(0, most)
      .map((skill) => ({ ...summaryOf(skill), active: active.has(skill.name) }));
  }

  async activate(
    sessionId: string,
    name: string,
    { args, reason }: ActivateSkillRequest,
    by: Changer,
  ): Promise<ActiveSkill> {
    const { data } = await requireSession(this.#deps.store, sessionId);
    const skill = this.#library.get(name, data.capability_scope);
    if (skill === undefined) throw unknownSkill(name);
    const no = whyNotInline(skill);
    if (no !== undefined) throw problem("skills", "skill_not_inline", no);
    const activation = {
      skill: toActivate(skill),
      ...(args === undefined ? {} : { args }),
      ...(reason === undefined ? {} : { reason }),
    };
    return activateSkill(this.#deps, sessionId, activation, {
      ...by,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  deactivate(sessionId: string, name: string, by: Changer): Promise<ActiveSkill> {
    return deactivateSkill(this.#deps, sessionId, name, by);
  }
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw problem("pagination", "invalid_limit", `limit must be 1 to ${MAX_LIMIT}, not '${text}'`);
}
