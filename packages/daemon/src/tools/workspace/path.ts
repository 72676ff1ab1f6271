import { ToolFailure } from "../failure.ts";

/** What systems take at most, the zero at the end included. */
const MAX_PATH_BYTES = 4_096;

/** What a path argument stands for when it names the workspace root. */
export const ROOT = ".";

/**
 * A model's path as a workspace-relative one, by its letters alone: `link/../x` is `x` whatever `link` is (03-A4).
 * An absolute path must start with the root as written.
 */
export function relativePath(root: string, path: string): string {
  if (path.includes("\0")) throw new ToolFailure("a path may not hold a NUL byte");
  if (!path.isWellFormed()) throw new ToolFailure("a path may not hold half of a surrogate pair");
  const inner = path.startsWith("/") ? below(root, path) : path;
  if (inner === undefined) throw new ToolFailure(`'${path}' is outside the workspace`);
  const names: string[] = [];
  for (const name of inner.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) throw new ToolFailure(`'${path}' leads above the workspace root`);
  }
  const relative = names.length === 0 ? ROOT : names.join("/");
  // What is longer could be written component by component, and never be read again by its path.
  if (Buffer.byteLength(absolutePath(root, relative)) >= MAX_PATH_BYTES) {
    throw new ToolFailure("the path is too long");
  }
  return relative;
}

/** The part of an absolute path below `root`, "" for the root itself, undefined when it is elsewhere. */
export function below(root: string, absolute: string): string | undefined {
  if (absolute === root) return "";
  const prefix = root === "/" ? "/" : `${root}/`;
  return absolute.startsWith(prefix) ? absolute.slice(prefix.length) : undefined;
}

export function absolutePath(root: string, relative: string): string {
  if (relative === ROOT) return root;
  return root === "/" ? `/${relative}` : `${root}/${relative}`;
}

/** Directory and name of a relative path that is not the root. */
export function splitPath(relative: string): { parents: string[]; name: string } {
  const parents = relative.split("/");
  const name = parents.pop() ?? "";
  return { parents, name };
}
