import type { JsonObject } from "@kheish/contract";
import { ToolFailure } from "../failure.ts";
import { relativePath } from "../workspace/path.ts";
import type { Entry } from "./entry.ts";
import type { EditInput } from "./fields.ts";

/** A hunk with its place in the call, by which failures name it. */
export interface Hunk extends EditInput {
  index: number;
}

/** What a patch does to one file. */
export interface FilePatch {
  /** Workspace-relative. */
  path: string;
  /** In the order in which they are made. */
  hunks: Hunk[];
  expected_sha256: string | undefined;
}

/** What is to be done to one file, and the file, held. */
export interface HeldPatch {
  patch: FilePatch;
  entry: Entry;
}

/** The hunks by the file that they change, the files in the order of their first hunk (03-R13). */
export function filePatches(root: string, hunks: readonly EditInput[]): FilePatch[] {
  const files = new Map<string, FilePatch>();
  for (const [index, hunk] of hunks.entries()) {
    const path = inHunk(index, hunk.path, () => relativePath(root, hunk.path));
    const file = files.get(path) ?? { path, hunks: [], expected_sha256: hunk.expected_sha256 };
    files.set(path, file);
    file.hunks.push({ ...hunk, index });
    if (hunk.expected_sha256 === undefined || hunk.expected_sha256 === file.expected_sha256) continue;
    if (file.expected_sha256 === undefined) file.expected_sha256 = hunk.expected_sha256;
    else {
      throw new ToolFailure(`hunks[${index}]: another hunk expects another SHA-256 of '${path}'`, {
        hunk: index,
        path,
      });
    }
  }
  return [...files.values()];
}

/** Runs `act`; a failure says which hunk it is about. */
export function inHunk<T>(index: number, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    throw new ToolFailure(`hunks[${index}]: ${error.message}`, { ...error.details, hunk: index, path });
  }
}

/** One of the `changed_files`; `replacements` is left out where nobody can say any more how many there were. */
export function outputOf(
  { path, hunks }: FilePatch,
  replacements: number | undefined,
  bytes: number,
  sha256: string,
): JsonObject {
  return {
    path,
    hunks: hunks.length,
    ...(replacements === undefined ? {} : { replacements }),
    bytes_written: bytes,
    sha256,
  };
}
