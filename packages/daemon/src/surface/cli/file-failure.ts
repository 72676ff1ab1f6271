import { messageOf } from "./errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EEXIST: "it is there already",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is no directory",
  ELOOP: "its links lead in a circle",
};

/** Why a file that the command line names cannot be read, in words; `path` as it was given. */
export function cannotRead(path: string, error: unknown): string {
  return `cannot read '${path}': ${reason(error)}`;
}

export function cannotWrite(path: string, error: unknown): string {
  return `cannot write '${path}': ${reason(error)}`;
}

function reason(error: unknown): string {
  const { code } = error as { code?: unknown };
  return (typeof code === "string" ? REASONS[code] : undefined) ?? messageOf(error);
}
