import { lstat } from "node:fs/promises";
import { systemErrorCode, ToolFailure } from "../../../tools/failure.ts";
import { resolveLinks } from "../../../tools/workspace/links.ts";
import { absolutePath, ROOT, relativePath, splitPath } from "../../../tools/workspace/path.ts";

/** What tells two states of a watched path apart, without its content. A link is itself, not what it leads to. */
export type Fingerprint = string;

/** There is nothing, or what there is lies outside of the workspace by now. */
export const ABSENT: Fingerprint = "absent";

/** Of a file its size, time and identity; of a directory, whether entries came or went. */
export async function fingerprintOf(root: string, path: string): Promise<Fingerprint> {
  try {
    const stats = await lstat(await locationOf(root, path), { bigint: true });
    const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other";
    const size = stats.isFile() ? stats.size : 0n;
    return `${kind} ${stats.ino} ${stats.mtimeNs} ${size}`;
  } catch (error) {
    if (error instanceof ToolFailure || systemErrorCode(error) !== undefined) return ABSENT;
    throw error;
  }
}

/** The directory in which a change of the path shows; undefined where there is none in the workspace. */
export async function directoryOf(root: string, path: string): Promise<string | undefined> {
  try {
    const parents = path === ROOT ? [] : splitPath(path).parents;
    return absolutePath(root, await resolveLinks(root, parents.join("/")));
  } catch (error) {
    if (error instanceof ToolFailure || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** Its directory through links that stay inside, and its name as it is. */
async function locationOf(root: string, path: string): Promise<string> {
  if (path === ROOT) return root;
  const { parents, name } = splitPath(path);
  const directory = await resolveLinks(root, parents.join("/"));
  return absolutePath(root, directory === ROOT ? name : `${directory}/${name}`);
}

/** The path as it is watched, or why it cannot be. */
export function watchable(root: string, path: string): { path: string } | { refusal: string } {
  try {
    return { path: relativePath(root, path) };
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    return { refusal: error.message };
  }
}
