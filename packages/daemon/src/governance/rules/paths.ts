import { posix } from "node:path";
import { aligns } from "./align.ts";
import { type Certainty, Glob, type Text, UNKNOWN } from "./glob.ts";

/**
 * A path as rules see it: normalised by its text (03-A4), relative to the workspace where it lies in it; of a tree, all
 * that is below. Undefined where it is not known: it may be any.
 */
export type SeenPath = { path: string; isTree: boolean } | undefined;

/** `directory`: what a relative path starts from, itself relative to the workspace. */
export function seenPath(path: string, workspaceRoot: string, directory = "."): string {
  const absolute = posix.resolve(workspaceRoot, directory, path);
  const relative = posix.relative(workspaceRoot, absolute);
  if (relative === "") return ".";
  return relative === ".." || relative.startsWith("../") ? absolute : relative;
}

/** The path that a word of the shell names; `directory` is undefined where the shell may have gone elsewhere. */
export function pathOfText(text: Text, workspaceRoot: string, directory: string | undefined): SeenPath {
  if (text.includes(UNKNOWN)) return undefined;
  const path = text.join("");
  if (directory === undefined && !path.startsWith("/")) return undefined;
  return { path: seenPath(path, workspaceRoot, directory), isTree: false };
}

const ANY = "**";
const BELOW = Symbol("below");

/** Whether one of the globs fits. What lies outside of the workspace is surely meant only by a glob that begins with `/`. */
export function fitsPath(globs: readonly string[], seen: SeenPath, certainty: Certainty): boolean {
  if (seen === undefined) return certainty === "possibly";
  const segments: (string | typeof BELOW)[] = seen.path === "." ? [] : seen.path.split("/");
  if (seen.isTree) segments.push(BELOW);
  return globs.some((glob) => fitsOne(glob.replace(/^\.\//, ""), segments, certainty));
}

function fitsOne(glob: string, segments: readonly (string | typeof BELOW)[], certainty: Certainty): boolean {
  return aligns<string, string | typeof BELOW>(glob.split("/"), segments, {
    isManyP: (pattern) => pattern === ANY,
    isManyS: (segment) => segment === BELOW && certainty === "possibly",
    takes: (pattern, segment) => {
      if (pattern === ANY) return certainty === "possibly" || segment !== "";
      return segment !== BELOW && new Glob(pattern, { one: true }).matches(segment);
    },
  });
}
