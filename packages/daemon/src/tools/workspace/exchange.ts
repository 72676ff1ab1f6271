import type { Stats } from "node:fs";
import { link, rename } from "node:fs/promises";
import type { JsonObject } from "@kheish/contract";
import { about, systemErrorCode, systemReason, ToolFailure } from "../failure.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { discard, openEntry, stage, statEntry } from "./replace.ts";

/** One file of a change of several: named, and told by its content before and after. */
export interface Exchange {
  /** Workspace-relative, as failures name it. */
  path: string;
  directory: HeldDirectory;
  name: string;
  /** The temporary sibling that holds the new content. */
  staging: string;
  /** The temporary sibling by which the file as it was can be had back. */
  original: string;
  /** SHA-256. */
  before: string;
  after: string;
}

/** What became of a file that had to be put back and was not. */
export interface NotPutBack {
  path: string;
  reason: string;
  /** Workspace-relative path under which the file as it was can still be found. */
  original: string;
}

/** What stands in a file now; undefined when nothing does. It takes no signal: taking back is not stopped half way. */
type Digest = (file: Pick<Exchange, "directory" | "name" | "path">) => Promise<string | undefined>;

/** File systems without hard links, and files that may not have another. */
const NO_LINK = new Set(["EMLINK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"]);

/**
 * Puts what was staged in the place of every file, or of none. The files as they were keep a second name until all of
 * them are replaced: with it a failure is taken back here, and a crash by `putBack` later. That every such name is
 * there before the first file is replaced, and until the last one is put back, is what tells a later reader how far it came.
 */
export async function exchangeAll(
  files: readonly Exchange[],
  digest: Digest,
  signal: AbortSignal,
): Promise<void> {
  let kept: readonly NotPutBack[] = [];
  try {
    for (const file of files) {
      await about(file.path, () => secondName(file, file.name, file.original));
    }
    await syncDirectories(files);
    try {
      for (const file of files) {
        signal.throwIfAborted();
        await about(file.path, () => putInPlace(file, digest));
      }
      await syncDirectories(files);
    } catch (error) {
      kept = await putBack(files, digest);
      throw kept.length === 0 ? error : halfDone(error, kept);
    }
  } finally {
    await tidy(files, kept);
  }
}

async function putInPlace(file: Exchange, digest: Digest): Promise<void> {
  if ((await digest(file)) !== file.before) {
    throw new ToolFailure(
      `'${file.path}' was changed by somebody else while the patch was made; read it again`,
    );
  }
  await rename(file.directory.at(file.staging), file.directory.at(file.name));
}

/**
 * Puts back every file that holds its new content, and answers those that could not be. What somebody else wrote since
 * is theirs, and stays.
 */
export async function putBack(files: readonly Exchange[], digest: Digest): Promise<NotPutBack[]> {
  const failed: NotPutBack[] = [];
  for (const file of files.toReversed()) {
    const reason = await putOneBack(file, digest).catch(reasonOf);
    if (reason === undefined) continue;
    failed.push({ path: file.path, reason, original: siblingPath(file.path, file.original) });
  }
  await syncDirectories(files).catch(reasonOf);
  return failed.reverse();
}

/** Answers why it could not be, or undefined. */
async function putOneBack(file: Exchange, digest: Digest): Promise<string | undefined> {
  const { directory, name, staging, original } = file;
  const found = await digest(file);
  if (found === file.before) return undefined;
  if (found !== file.after) {
    const isOurs = (await statEntry(directory, staging)) === undefined;
    return isOurs ? "it was changed again by somebody else" : undefined;
  }
  await secondName(file, original, staging).catch((error: unknown) => {
    if (systemErrorCode(error) === undefined) throw error;
    // Not even a name can be made: the one that is there will do.
    return rename(directory.at(original), directory.at(staging));
  });
  await rename(directory.at(staging), directory.at(name));
  return undefined;
}

/** Gives a file a second name in its directory; where that cannot be, a copy with the same mode and owner. */
async function secondName(
  { directory, path }: Pick<Exchange, "directory" | "path">,
  name: string,
  second: string,
): Promise<void> {
  await discard(directory, second);
  try {
    await link(directory.at(name), directory.at(second));
  } catch (error) {
    if (!NO_LINK.has(systemErrorCode(error) ?? "")) throw error;
    await copy(directory, path, name, second);
  }
}

async function copy(directory: HeldDirectory, path: string, name: string, second: string): Promise<void> {
  const handle = await openEntry(directory, name, path);
  try {
    const previous: Stats = await handle.stat();
    await stage({ directory, staging: second, bytes: await handle.readFile(), previous });
  } finally {
    await handle.close();
  }
}

/** Removes what is temporary, but for the originals that are the only ones left. */
export async function tidy(
  files: readonly Pick<Exchange, "path" | "directory" | "staging" | "original">[],
  kept: readonly NotPutBack[] = [],
): Promise<void> {
  for (const { path, directory, staging, original } of files) {
    const isKept = kept.some((one) => one.path === path);
    // A sibling that cannot be removed holds nothing that is needed, and must not hide what was done.
    await discard(directory, staging).catch(reasonOf);
    if (!isKept) await discard(directory, original).catch(reasonOf);
  }
}

async function syncDirectories(files: readonly Exchange[]): Promise<void> {
  const directories = new Map(files.map((file) => [parentOf(file.path), file]));
  for (const file of directories.values()) await about(file.path, () => file.directory.sync());
}

function halfDone(cause: unknown, kept: readonly NotPutBack[]): ToolFailure {
  const why = cause instanceof ToolFailure ? cause.message : "the call was stopped before it finished";
  const which = kept.map(({ path, reason }) => `'${path}' (${reason})`).join(", ");
  const details: JsonObject = cause instanceof ToolFailure ? cause.details : { interrupted: true };
  return new ToolFailure(`${why}; every other file is as it was, but these could not be put back: ${which}`, {
    ...details,
    not_put_back: kept.map((one) => ({ ...one })),
  });
}

function reasonOf(error: unknown): string {
  const reason = error instanceof ToolFailure ? error.message : systemReason(error);
  if (reason === undefined) throw error;
  return reason;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

export function siblingPath(path: string, name: string): string {
  return parentOf(path) + name;
}
