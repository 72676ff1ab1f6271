import { StoreError } from "./store.ts";

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EEXIST: "it is there already",
  EISDIR: "it is a directory",
  ENOTDIR: "what should be a directory is none",
  ELOOP: "its links lead in a circle",
  EMFILE: "this process has too many files open",
};

/** A failed call on the file system in words; undefined for any other error. */
export function fileFailure(error: unknown): string | undefined {
  return WORDS[errnoOf(error) ?? ""];
}

/** Whether there was no room left for what was to be written. */
export function isDiskFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOSPC" || errno === "EDQUOT";
}

/** A failed system call on the file system, as the kernel says it; anything else stays what it is. */
export function asFileError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof StoreError || errno === undefined) return error;
  const code = isDiskFull(error) ? "full" : "unavailable";
  return new StoreError(code, `${path} cannot be used: ${fileFailure(error) ?? errno}`, { cause: error });
}
