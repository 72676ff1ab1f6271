import type { RuntimeSkillSnapshot, SkillLock } from "@kheish/contract";
import {
  type RootSettings,
  readLock,
  type Skill,
  SkillLockError,
  skillRoots,
  skillsIn,
} from "../../tools/skills/index.ts";

/** What was found in folders, and the lock file that all skills have to match. */
export interface LoadedSkills {
  skills: readonly Skill[];
  roots: RuntimeSkillSnapshot["roots"];
  warnings: readonly string[];
  lock?: { lock: SkillLock; path: string; signed_by: string[] };
}

export interface SkillSettings extends RootSettings {
  /** Absolute. */
  lockFile?: string;
  /** Files with public keys, of which one has to have signed the lock file. */
  lockKeyFiles: readonly string[];
}

export const NO_SKILLS: LoadedSkills = { skills: [], roots: [], warnings: [] };

/** Looks through the folders (03-R69, 03-R70). What cannot be used is a warning; rejects with `SkillLockError` only. */
export async function loadSkills(
  settings: SkillSettings,
  readFile: (path: string) => Promise<string>,
): Promise<LoadedSkills> {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const lock = await lockIn(settings, readFile);
  const roots = await skillRoots(settings, warn);
  const found = await Promise.all(roots.map((root) => skillsIn(root, warn)));
  return {
    skills: found.flat(),
    roots: roots.map(({ path, scope }, at) => ({ path, scope, skills: found[at]?.length ?? 0 })),
    warnings,
    ...(lock === undefined ? {} : { lock }),
  };
}

async function lockIn(
  { lockFile, lockKeyFiles }: SkillSettings,
  readFile: (path: string) => Promise<string>,
): Promise<LoadedSkills["lock"]> {
  if (lockFile === undefined) {
    if (lockKeyFiles.length === 0) return undefined;
    throw new SkillLockError("--skill-lock-key is of no use without --skill-lock");
  }
  const read = (path: string) =>
    readFile(path).catch(() => {
      throw new SkillLockError(`cannot read ${path}`);
    });
  const keys = await Promise.all(lockKeyFiles.map(read));
  const { lock, signedBy } = readLock(await read(lockFile), keys);
  return { lock, path: lockFile, signed_by: signedBy };
}
