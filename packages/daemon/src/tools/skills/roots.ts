import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SkillScope } from "@kheish/contract";
import type { Root } from "./walk.ts";

const REPOSITORY_FOLDERS = ["skills", ".claude/skills", ".agents/skills"];
const HOME_FOLDERS = ["skills", ".agents/skills", ".claude/skills"];

export interface RootSettings {
  /** As given, absolute. */
  explicit: readonly string[];
  /** False: only what is named, and what was added. */
  discover: boolean;
  workspaceRoot: string;
  home: string | undefined;
  /** Those that come with the daemon. */
  builtIn: string;
}

/**
 * Where skills are looked for, in order (03-R69): what was named; from the workspace up to the root of its repository; the
 * home folder; what comes with the daemon. Beyond the repository anybody may be able to write, so whoever wants a folder
 * there names it. Real paths, each once.
 */
export async function skillRoots(settings: RootSettings, warn: (message: string) => void): Promise<Root[]> {
  const roots = new Map<string, SkillScope>();
  const add = async (path: string, scope: SkillScope): Promise<boolean> => {
    const real = await directoryAt(path);
    if (real !== undefined && !roots.has(real)) roots.set(real, scope);
    return real !== undefined;
  };
  for (const path of settings.explicit)
    if (!(await add(path, "explicit"))) warn(`the skill root ${path} is no folder that can be read`);
  if (settings.discover) {
    const home = settings.home === undefined ? undefined : await directoryAt(settings.home);
    for (const folder of await repositoryFolders(settings.workspaceRoot, home))
      for (const name of REPOSITORY_FOLDERS) await add(join(folder, name), "repo");
    if (home !== undefined) for (const name of HOME_FOLDERS) await add(join(home, name), "user");
    await add(settings.builtIn, "built_in");
  }
  return [...roots].map(([path, scope]) => ({ path, scope }));
}

/** From the workspace upward to the folder that has `.git`; only the workspace where none has, or home comes first. */
async function repositoryFolders(workspaceRoot: string, home: string | undefined): Promise<string[]> {
  const folders: string[] = [];
  for (let at = workspaceRoot; at !== home; at = dirname(at)) {
    folders.push(at);
    if (await isThere(join(at, ".git"))) return folders;
    if (dirname(at) === at) break;
  }
  return folders.slice(0, 1);
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function directoryAt(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isDirectory() ? await realpath(path) : undefined;
  } catch {
    return undefined;
  }
}
