import type { SkillFile, SkillScope, SkillSummary, SkillView } from "@kheish/contract";

/** A skill as it was loaded. */
export interface Skill extends SkillSummary {
  readonly instructions: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly files: readonly SkillFile[];
  /** Of one that was added at run time. */
  readonly added?: { readonly revision: number; readonly at_ms: number; readonly by: string };
  /** The bytes of one of `files`, as they were when it was loaded. Rejects with `SkillChanged` when they are gone. */
  readonly read: (path: string) => Promise<Buffer>;
}

/** Two of one name: the one whose scope stands first here is used. */
export const SCOPE_ORDER: readonly SkillScope[] = ["explicit", "runtime", "repo", "user", "built_in"];

/** A file of a skill is not any more what it was when the skill was loaded. */
export class SkillChanged extends Error {
  constructor(name: string, path: string) {
    super(
      `'${path}' of skill '${name}' has changed since it was loaded: an operator has to reload the skills`,
    );
    this.name = "SkillChanged";
  }
}

export function summaryOf(skill: Skill): SkillSummary {
  const {
    instructions: _text,
    metadata: _more,
    files: _files,
    added: _added,
    read: _read,
    ...summary
  } = skill;
  return summary;
}

export function viewOf(skill: Skill): SkillView {
  const { metadata, files, instructions, added } = skill;
  return {
    ...summaryOf(skill),
    instructions,
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
    files: [...files],
    ...(added === undefined
      ? {}
      : { revision: added.revision, added_at_ms: added.at_ms, added_by: added.by }),
  };
}
