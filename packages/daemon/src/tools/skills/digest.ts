import { createHash } from "node:crypto";
import type { SkillFile } from "@kheish/contract";

/**
 * Names all bytes of a skill's folder: hex SHA-256 over `path NUL sha256 LF` of its files, in the order of their paths.
 * Where the folder stands is not in it, so that it is the same on every machine (03, weaknesses).
 */
export function skillDigest(files: readonly Pick<SkillFile, "path" | "sha256">[]): string {
  const hash = createHash("sha256");
  for (const { path, sha256 } of files.toSorted(byPath)) hash.update(`${path}\0${sha256}\n`);
  return hash.digest("hex");
}

function byPath(a: { path: string }, b: { path: string }): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path));
}
