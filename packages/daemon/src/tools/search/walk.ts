import { isUtf8 } from "node:buffer";
import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { systemErrorCode } from "../failure.ts";
import { DESCRIPTORS, isInside } from "../workspace/descriptors.ts";
import { READ_FLAGS } from "../workspace/open.ts";
import { absolutePath, ROOT } from "../workspace/path.ts";
import type { SearchRequest, Skipped, SkipReason } from "./protocol.ts";

const DIRECTORY_FLAGS = READ_FLAGS | constants.O_DIRECTORY;

/** Left out when met on the way: history and dependencies would drown what the user works on. */
const IGNORED_DIRECTORIES = new Set([".git", "node_modules"]);

/** Counts what a search leaves out. */
export class SkipCount {
  readonly counts: Skipped = {};

  add(reason: SkipReason): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
  }
}

type Base = Pick<SearchRequest, "root" | "base" | "baseKind">;

/**
 * The regular files at and below the base, in the order of their paths. Links are neither followed nor listed,
 * and every directory is verified after it was opened, so that one exchanged for a link leads nowhere.
 */
export function* walkFiles({ root, base, baseKind }: Base, skips: SkipCount): Generator<string> {
  const pending = [{ path: base, kind: baseKind }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.kind === "file") yield next.path;
    else pending.push(...entriesOf(root, next.path, skips));
  }
}

type Entry = { path: string; kind: "file" | "directory" };

/** Last first, because the walk takes from the end. */
function entriesOf(root: string, directory: string, skips: SkipCount): Entry[] {
  const prefix = directory === ROOT ? "" : `${directory}/`;
  const entries: { entry: Entry; order: string }[] = [];
  for (const dirent of list(root, directory, skips)) {
    const kind = kindOf(dirent, skips);
    if (kind === undefined) continue;
    const name = dirent.name.toString("utf8");
    // A directory stands where its files will: after "a-b", before "a0".
    entries.push({
      entry: { path: prefix + name, kind },
      order: kind === "directory" ? `${name}/` : name,
    });
  }
  return entries.sort((a, b) => (a.order < b.order ? 1 : -1)).map(({ entry }) => entry);
}

function list(root: string, directory: string, skips: SkipCount): Dirent<Buffer>[] {
  const path = absolutePath(root, directory);
  return (
    withOpened(root, path, DIRECTORY_FLAGS, skips, (fd) =>
      readdirSync(DESCRIPTORS === undefined ? path : `${DESCRIPTORS}/${fd}`, {
        withFileTypes: true,
        encoding: "buffer",
      }),
    ) ?? []
  );
}

/** A name that is not UTF-8 cannot be shown, and so not be asked for: it counts as unreadable. */
function kindOf(dirent: Dirent<Buffer>, skips: SkipCount): Entry["kind"] | undefined {
  if (!isUtf8(dirent.name)) return skip(skips, "unreadable");
  if (dirent.isSymbolicLink()) return skip(skips, "symlinks");
  if (dirent.isDirectory())
    return IGNORED_DIRECTORIES.has(dirent.name.toString("utf8"))
      ? skip(skips, "ignored_directories")
      : "directory";
  return dirent.isFile() ? "file" : skip(skips, "not_regular");
}

/** The bytes of a regular file of at most `maxBytes`, or undefined when it was skipped. */
export function readSearched(
  root: string,
  path: string,
  maxBytes: number,
  skips: SkipCount,
): Buffer | undefined {
  return withOpened(root, absolutePath(root, path), READ_FLAGS, skips, (fd) => {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return skip(skips, "not_regular");
    return stats.size > maxBytes ? skip(skips, "too_large") : readFileSync(fd);
  });
}

function withOpened<T>(
  root: string,
  path: string,
  flags: number,
  skips: SkipCount,
  use: (fd: number) => T | undefined,
): T | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, flags);
    return isInside(root, fd) ? use(fd) : skip(skips, "symlinks");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return skip(skips, "unreadable");
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function skip(skips: SkipCount, reason: SkipReason): undefined {
  skips.add(reason);
}
