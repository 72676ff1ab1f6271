import type { ToolContext } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { about, ToolFailure } from "../failure.ts";
import { type HeldDirectory, holdDirectory } from "../workspace/held-directory.ts";
import { absolutePath, ROOT, relativePath, splitPath } from "../workspace/path.ts";
import { originalName, stagingName } from "../workspace/replace.ts";

/** One file a call may change: held by its directory, alone under its lock. */
export interface Entry {
  /** Workspace-relative, as results show it. */
  path: string;
  directory: HeldDirectory;
  name: string;
  /** Name of this call's temporary sibling. */
  staging: string;
  /** Name of the sibling that keeps the file as it was, where a call changes several. */
  original: string;
}

/**
 * Runs `work` with the entry that `path` names. The lock is this process's: one daemon owns a workspace,
 * and what other programs do there meanwhile is seen by `expected_sha256` at best.
 */
export async function withEntry<T>(
  locks: KeyedMutex,
  context: ToolContext,
  path: string,
  missingParents: "create" | "refuse",
  work: (entry: Entry) => Promise<T>,
): Promise<T> {
  const relative = relativePath(context.workspace_root, path);
  if (relative === ROOT) throw new ToolFailure(`'${path}' is the workspace root, which is a directory`);
  const { parents, name } = splitPath(relative);
  return locks.run(absolutePath(context.workspace_root, relative), () =>
    about(relative, async () => {
      const directory = await holdDirectory(context.workspace_root, parents, missingParents);
      try {
        const key = context.idempotency_key;
        return await work({
          path: relative,
          directory,
          name,
          staging: stagingName(key),
          original: originalName(key),
        });
      } finally {
        await directory.close();
      }
    }),
  );
}

/**
 * Runs `work` with the entries that normalised paths name. They are locked in the order of their names, so that two
 * calls never wait for each other (03-R11).
 */
export async function withEntries<T>(
  locks: KeyedMutex,
  context: ToolContext,
  paths: readonly string[],
  work: (entries: ReadonlyMap<string, Entry>) => Promise<T>,
): Promise<T> {
  const held = new Map<string, Entry>();
  const [...toLock] = new Set(paths);
  toLock.sort();
  const next = (place: number): Promise<T> => {
    const path = toLock[place];
    if (path === undefined) return work(held);
    const ofItsOwn = { ...context, idempotency_key: `${context.idempotency_key}/${path}` };
    return withEntry(locks, ofItsOwn, path, "refuse", (entry) => {
      held.set(path, entry);
      return next(place + 1);
    });
  };
  return next(0);
}
