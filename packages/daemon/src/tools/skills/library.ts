import type { CapabilityScope, SkillLock } from "@kheish/contract";
import { isCapable } from "../../engine/scopes/narrow.ts";
import type { SkillPort } from "../../engine/skills/port.ts";
import { catalogueText } from "./catalogue.ts";
import { SCOPE_ORDER, type Skill } from "./skill.ts";

type Scope = CapabilityScope | undefined;

/**
 * The skills of a daemon, as they were loaded last: what every prompt, tool and endpoint reads. A capability scope hides
 * skills from all of them alike (03-R75): a skill outside of it is one that is not there.
 */
export class SkillLibrary implements SkillPort {
  #byName: ReadonlyMap<string, Skill> = new Map();
  #whole: string | undefined;
  #warnings: readonly string[] = [];

  /** What was left out of the last load, and why. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** `skills` in the order of their roots. A lock leaves out what it does not name by this digest. */
  load(skills: readonly Skill[], lock?: SkillLock): void {
    const warnings: string[] = [];
    const pinned = lock && new Map(lock.skills.map(({ name, digest }) => [name, digest]));
    const byName = new Map<string, Skill>();
    const ordered = SCOPE_ORDER.flatMap((scope) => skills.filter((skill) => skill.scope === scope));
    for (const skill of ordered) {
      const first = byName.get(skill.name);
      if (first !== undefined) {
        // Covering one that comes with the daemon is how it is changed.
        if (skill.scope !== "built_in")
          warnings.push(`${skill.skill_path} is left out: '${skill.name}' is at ${first.skill_path} already`);
        continue;
      }
      if (pinned === undefined || skill.scope === "built_in" || pinned.get(skill.name) === skill.digest)
        byName.set(skill.name, skill);
      else
        warnings.push(
          `${skill.skill_path} is left out: ${pinned.has(skill.name) ? "it is not the one" : `'${skill.name}' is not`} in the lock file`,
        );
    }
    this.#byName = new Map([...byName].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#warnings = warnings;
    this.#whole = catalogueText([...this.#byName.values()]);
  }

  /** By name. */
  all(scope?: Scope): Skill[] {
    return [...this.#byName.values()].filter(({ name }) => isInScope(scope, name));
  }

  get(name: string, scope?: Scope): Skill | undefined {
    return isInScope(scope, name) ? this.#byName.get(name) : undefined;
  }

  /** Those whose name, description or use has every word of `query`. */
  search(query: string | undefined, scope?: Scope): Skill[] {
    const words = (query ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    return this.all(scope).filter(({ name, description, when_to_use = "" }) => {
      const text = `${name}\n${description}\n${when_to_use}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  catalogue(scope: Scope): string | undefined {
    if (scope?.skill_allow === undefined && scope?.skill_deny === undefined) return this.#whole;
    return catalogueText(this.all(scope));
  }
}

function isInScope(scope: Scope, name: string): boolean {
  return scope === undefined || isCapable(scope, "skill", name);
}
