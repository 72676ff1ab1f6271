import { lstat, readlink } from "node:fs/promises";
import { systemErrorCode, ToolFailure } from "../failure.ts";
import { absolutePath, below, ROOT } from "./path.ts";

const MAX_LINKS = 40;

/**
 * The real relative path behind a normalised one. Links are followed by reading them, one component at a time,
 * so that nothing outside the workspace is ever touched, not even to see whether it exists.
 * Components that do not exist are kept as they are: the caller's own open says so.
 */
export async function resolveLinks(root: string, path: string): Promise<string> {
  const pending = path.split("/").reverse();
  let resolved: string[] = [];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (resolved.pop() === undefined) throw leadsOut(path);
      continue;
    }
    const here = absolutePath(root, [...resolved, name].join("/"));
    const target = await linkTarget(here);
    if (target === undefined) {
      resolved.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new ToolFailure(`'${path}' goes through too many symbolic links`);
    const inner = target.startsWith("/") ? below(root, target) : target;
    if (inner === undefined) throw leadsOut(path);
    if (target.startsWith("/")) resolved = [];
    pending.push(...inner.split("/").reverse());
  }
  return resolved.length === 0 ? ROOT : resolved.join("/");
}

/** Where a link points, or undefined when the path is no link. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

export function leadsOut(path: string): ToolFailure {
  return new ToolFailure(`'${path}' leads out of the workspace through a symbolic link`);
}
