import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { about, ToolFailure } from "../failure.ts";
import { isInside } from "./descriptors.ts";
import { leadsOut, resolveLinks } from "./links.ts";
import { absolutePath } from "./path.ts";

/** O_NONBLOCK: a FIFO put in the place of a file after the check must not hang the daemon. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OpenedFile {
  handle: FileHandle;
  stats: Stats;
}

/**
 * Opens a regular file of the workspace for reading. Links inside the workspace are followed, links out are not.
 * Residual: a hard link made inside the workspace to a file outside cannot be told from a file inside.
 */
export async function openFile(root: string, path: string): Promise<OpenedFile> {
  return about(path, async () => {
    const absolute = absolutePath(root, await resolveLinks(root, path));
    // Opening a device can have effects of its own, so the kind is checked before as well as after.
    refuseUnlessFile(path, await lstat(absolute));
    const handle = await open(absolute, READ_FLAGS);
    try {
      const stats = await handle.stat();
      refuseUnlessFile(path, stats);
      if (!isInside(root, handle.fd)) throw leadsOut(path);
      return { handle, stats };
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** The real relative path and the kind of what a read-only call may start from. */
export async function locate(
  root: string,
  path: string,
): Promise<{ real: string; kind: "file" | "directory" }> {
  return about(path, async () => {
    const real = await resolveLinks(root, path);
    const stats = await lstat(absolutePath(root, real));
    if (stats.isDirectory()) return { real, kind: "directory" };
    refuseUnlessFile(path, stats);
    return { real, kind: "file" };
  });
}

export function refuseUnlessFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new ToolFailure(`'${path}' is a directory`);
  if (stats.isSymbolicLink()) throw new ToolFailure(`'${path}' is a symbolic link`);
  throw new ToolFailure(`'${path}' is not a regular file`);
}
