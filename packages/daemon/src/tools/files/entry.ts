import type { ToolContext } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { about, ToolFailure } from "../failure.ts";
import { type HeldDirectory, holdDirectory } from "../workspace/held-directory.ts";
import { absolutePath, ROOT, relativePath, splitPath } from "../workspace/path.ts";
import { stagingName } from "../workspace/replace.ts";

/** One file a call may change: held by its directory, alone under its lock. */
export interface Entry {
  /** Workspace-relative, as results show it. */
  path: string;
  directory: HeldDirectory;
  name: string;
  /** Name of this call's temporary sibling. */
  staging: string;
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
        return await work({ path: relative, directory, name, staging: stagingName(context.idempotency_key) });
      } finally {
        await directory.close();
      }
    }),
  );
}
