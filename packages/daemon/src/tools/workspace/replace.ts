import { constants, type Stats } from "node:fs";
import { access, type FileHandle, lstat, open, rename, unlink } from "node:fs/promises";
import { sha256Hex } from "../bytes.ts";
import { systemErrorCode, ToolFailure } from "../failure.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { READ_FLAGS, refuseUnlessFile } from "./open.ts";

const STAGE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Set-id bits are dropped, as the kernel drops them when a file is written in place. */
const PERMISSION_BITS = 0o777;

/**
 * The temporary sibling a call writes before it renames. Its name comes from the call alone,
 * so that after a crash its presence proves that the rename did not happen.
 */
export function stagingName(idempotencyKey: string): string {
  return temporaryName(idempotencyKey, "tmp");
}

/** The temporary sibling that keeps a file as it was while a call replaces several. */
export function originalName(idempotencyKey: string): string {
  return temporaryName(idempotencyKey, "orig");
}

function temporaryName(idempotencyKey: string, kind: "tmp" | "orig"): string {
  return `.kheish-${sha256Hex(idempotencyKey).slice(0, 16)}.${kind}`;
}

/** What a write would replace: undefined when nothing is there, a failure when it is not a regular file. */
export async function replaceable(
  directory: HeldDirectory,
  name: string,
  path: string,
): Promise<Stats | undefined> {
  const stats = await statEntry(directory, name);
  if (stats === undefined) return undefined;
  refuseUnlessFile(path, stats);
  // A rename needs no write permission on the file itself; a file that its owner made read-only stays so.
  await access(directory.at(name), constants.W_OK);
  return stats;
}

export async function statEntry(directory: HeldDirectory, name: string): Promise<Stats | undefined> {
  try {
    return await lstat(directory.at(name));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Opens the regular file `name` of a held directory for reading, whatever took its place since it was checked. */
export async function openEntry(directory: HeldDirectory, name: string, path: string): Promise<FileHandle> {
  const handle = await open(directory.at(name), READ_FLAGS);
  try {
    refuseUnlessFile(path, await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export interface Replacement {
  directory: HeldDirectory;
  name: string;
  staging: string;
  bytes: Uint8Array;
  /** The file that is replaced: its mode and owner are kept. */
  previous: Stats | undefined;
  /** Rejects when the file may not be replaced any more; asked last, when the new content is on disk. */
  confirm?: () => Promise<void>;
  signal: AbortSignal;
}

/**
 * Puts `bytes` in the place of `name`: staged, synced, renamed, directory synced. A reader sees the old file or
 * the new one, a crash leaves one of them. Residual: hard links to the old file and its extended attributes are lost.
 */
export async function replaceFile(replacement: Replacement): Promise<void> {
  const { directory, name, staging, confirm, signal } = replacement;
  try {
    await stage(replacement);
    signal.throwIfAborted();
    await confirm?.();
    await rename(directory.at(staging), directory.at(name));
  } catch (error) {
    await discard(directory, staging);
    throw error;
  }
  await directory.sync();
}

/** Writes the temporary sibling: what it holds is on disk when this answers. */
export async function stage({
  directory,
  staging,
  bytes,
  previous,
}: Omit<Replacement, "name" | "confirm" | "signal">): Promise<void> {
  await discard(directory, staging);
  // What replaces a private file is private from its first byte on; a new file gets what the umask allows.
  const mode = previous === undefined ? 0o666 : 0o600;
  const handle = await open(directory.at(staging), STAGE_FLAGS, mode);
  try {
    await handle.writeFile(bytes);
    if (previous !== undefined) await keepOwnerAndMode(handle, previous);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function keepOwnerAndMode(handle: FileHandle, previous: Stats): Promise<void> {
  const staged = await handle.stat();
  if (staged.uid !== previous.uid || staged.gid !== previous.gid) {
    await handle.chown(previous.uid, previous.gid).catch((error: unknown) => {
      if (systemErrorCode(error) !== "EPERM") throw error;
      throw new ToolFailure("the file belongs to another user or group, which a replacement could not keep");
    });
  }
  await handle.chmod(previous.mode & PERMISSION_BITS);
}

export async function discard(directory: HeldDirectory, staging: string): Promise<void> {
  await unlink(directory.at(staging)).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  });
}
